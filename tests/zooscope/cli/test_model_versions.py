"""Versions, aliases, rejected networks and the duration of a ranking from the command line."""

import json
from pathlib import Path

import pytest

from service.container import Zoo
from service.core.tables import ModelRecord, ModelState
from tests.rest.served import MANIFEST, a_dataset, a_model, archive
from tests.zooscope.cli.shells import Shell

pytestmark = pytest.mark.slow


def test_a_second_push_is_a_version_and_an_alias_names_it(shell: Shell, tmp_path: Path):
    path = tmp_path / "fox.pt2"
    path.write_bytes(archive())
    path.with_name("fox.manifest.json").write_text(json.dumps(MANIFEST))

    versions = [shell.json("models", "push", str(path), "--no-wait")["version"] for _ in (1, 2)]
    named = shell.output("models", "alias", "fox:2", "prod")

    assert versions == [1, 2]
    assert "fox@prod is fox:2" in named
    assert shell.json("models", "show", "fox@prod")["version"] == 2
    assert "removed" in shell.output("models", "unalias", "fox:2", "prod")
    assert shell.error("models", "show", "fox@prod")["code"] == "model_not_found"


def test_rejected_networks_are_deleted_together(shell: Shell, zoo: Zoo):
    with zoo.transaction() as session:
        for name in ("fox", "hen"):
            a_model(session, name=name, state=ModelState.REJECTED)
        ready = a_model(session, name="owl").id

    shell.output("models", "rm", "--rejected")

    with zoo.transaction() as session:
        assert [model.id for model in session.query(ModelRecord)] == [ready]


def test_rm_takes_a_network_or_the_rejected_ones(shell: Shell):
    assert shell.error("models", "rm")["code"] == "invalid_arguments"
    assert shell.error("models", "rm", "mdl_1", "--rejected")["code"] == "invalid_arguments"


def test_the_time_of_a_ranking_is_printed_and_nothing_is_started(shell: Shell, zoo: Zoo):
    with zoo.transaction() as session:
        probes = a_dataset(zoo, session).id
        target, _ = (a_model(session, name=name).id for name in ("fox", "hen"))
    words = ("rank", "--model", target, "--probes", probes, "--estimate")

    text, estimate = shell.output(*words), shell.json(*words)

    assert "1 candidate:" in text
    assert "depara" in text
    assert {step["method"]: step["jobs"] for step in estimate["steps"]} == {
        "depara": 2,
        "ranking": 1,
    }
    assert shell.json("jobs", "ls") == []
