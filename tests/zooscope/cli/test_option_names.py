"""An error on the command line names what was typed: options, never fields of the API."""

import json
from pathlib import Path

import pytest
import typer

from tests.rest.served import MANIFEST, archive
from tests.zooscope.cli.shells import Shell
from zooscope import ZooClientError
from zooscope.cli.jobs import submit
from zooscope.cli.keys import create
from zooscope.cli.option_names import in_options, options_by_field
from zooscope.client.errors import InvalidField


def test_the_options_of_a_command_stand_for_the_fields_they_fill():
    options = options_by_field(create)

    assert options["scopes"] == "--scope"
    assert options["expires_at"] == "--expires"
    assert options["name"] == "NAME"
    assert options_by_field(submit)["params"] == "--set"


def test_detail_remedy_and_errors_all_name_the_option():
    error = ZooClientError(
        "/body/scopes/0: no scope; /body/expires_at: too early",
        code="invalid_request",
        remedy="choose a later `expires_at`",
        errors=[
            InvalidField("/body/scopes/0", "no scope"),
            InvalidField("/body/expires_at", "too early"),
            InvalidField("/body/zeal", "unknown"),
        ],
    )

    in_options(error, options_by_field(create))

    assert error.detail == "--scope: no scope; --expires: too early"
    assert error.remedy == "choose a later `--expires`"
    assert [field.pointer for field in error.errors] == ["--scope", "--expires", "zeal"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("keys", "create", "ci", "--scope", "reed"), "--scope: Input should be"),
        (
            ("keys", "create", "ci", "--scope", "read", "--expires", "2020-01-01"),
            "choose a later `--expires`",
        ),
        (
            ("jobs", "submit", "depara", "-i", "model=mdl_1", "-s", "probs=3"),
            "--set probs: unknown field",
        ),
        (("rank", "--model", "mdl_1"), "needs a --probes"),
        (("rank",), "pass one target: a network with --model"),
        (("rank", "--model", "mdl_1", "--dataset", "dst_1"), "or a dataset with --dataset"),
        (("rank", "--dataset", "dst_1", "--candidate", "mdl_1", "--tag", "red"), "--candidate"),
        (("layers", "mdl_1"), "pass one target: a network with --model"),
        (("jobs", "submit", "depara", "--budget", "soon"), "--budget"),
        (("jobs", "submit", "depara", "--student", "width"), "--student"),
        (
            ("attributions", "mdl_1", "--dataset", "dst_1", "-o", "x.png", "--images", "a"),
            "--images",
        ),
        (("audit", "--since", "yesterday"), "--since"),
        (("quotas", "--project", "No Project"), "--project: String should match"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_an_error_names_the_option(shell: Shell, words: tuple[str, ...], expected: str):
    done = shell.run(*words)

    assert done.returncode != 0
    assert expected in done.stderr
    assert "/body" not in done.stderr
    assert "/query" not in done.stderr
    assert "expires_at" not in done.stderr


@pytest.mark.slow
def test_a_wrong_key_of_a_manifest_is_named_once_with_the_right_one(shell: Shell, tmp_path: Path):
    network, manifest = tmp_path / "fox.pt2", tmp_path / "mine.json"
    network.write_bytes(archive())
    manifest.write_text(json.dumps({**MANIFEST, "taks": "other"}))

    done = shell.run("models", "push", str(network), "--manifest", str(manifest))

    assert done.stderr.count("--manifest taks: unknown field; did you mean `task`") == 1
    assert "correct what is named above" in done.stderr


def test_a_parameter_without_a_field_of_its_own_is_no_option():
    def command(*, name: str, out: str = typer.Option("x")) -> None: ...

    assert options_by_field(command) == {}
