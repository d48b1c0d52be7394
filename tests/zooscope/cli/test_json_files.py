"""JSON in files and arguments of the command line is as strict as over the APIs."""

from pathlib import Path

import pytest

from tests.rest.served import archive
from tests.zooscope.cli.shells import Shell

MANIFESTS = {
    "a NaN": ('{"name": "fox", "input": {"mean": [NaN]}}', "number_out_of_range"),
    "an overflow": ('{"name": "fox", "input": {"mean": [1e308]}}', "number_out_of_range"),
    "a key twice": ('{"name": "fox", "name": "hen"}', "repeated_key"),
    "a list": ("[]", "manifest_unreadable"),
    "no JSON": ("{", "manifest_unreadable"),
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_a_manifest_is_refused_before_anything_is_sent(shell: Shell, tmp_path: Path, case: str):
    text, code = MANIFESTS[case]
    model = tmp_path / "fox.pt2"
    model.write_bytes(archive())
    model.with_suffix(".manifest.json").write_text(text)

    assert shell.error("models", "push", str(model))["code"] == code


def test_an_argument_with_a_repeated_key_is_refused(shell: Shell):
    error = shell.error("jobs", "submit", "depara", "--set", 'settings={"a": 1, "a": 2}')

    assert error["code"] == "repeated_key"


def test_an_argument_that_is_no_json_is_text(shell: Shell):
    error = shell.error("jobs", "submit", "nothing", "--set", "name=fox {")

    assert error["code"] == "unknown_method"
