"""The command takes names for ids, lists with counts, several files, and says why it waits."""

import json
from pathlib import Path

import pytest

from service.container import Zoo
from tests.rest.served import MANIFEST, a_dataset, a_model, archive
from tests.zooscope.cli.shells import Shell
from zooscope import Retry, UnreachableError, ZooClientError
from zooscope.cli.output import JsonOutput, TextOutput

pytestmark = pytest.mark.slow


def network(path: Path, name: str) -> Path:
    """A network on disk with its manifest beside it."""
    path.write_bytes(archive(data=name.encode()))
    path.with_suffix(".manifest.json").write_text(json.dumps({**MANIFEST, "name": name}))
    return path


def test_a_name_serves_as_an_id_also_with_slashes(shell: Shell, zoo: Zoo):
    with zoo.transaction() as session:
        plain = a_model(session, name="fox red").id
        slashed = a_model(session, name="timm/fox").id
        dataset = a_dataset(zoo, session, name="farm").id

    assert shell.json("models", "show", "fox red")["id"] == plain
    assert shell.json("models", "show", "timm/fox")["id"] == slashed
    assert shell.json("datasets", "show", "farm")["id"] == dataset
    ranking = shell.json("rank", "--dataset", "farm", "--metric", "logme", "--no-wait")
    assert ranking["target_dataset_id"] == dataset
    assert [item["id"] for item in shell.json("rankings", "ls")] == [ranking["id"]]


def test_an_ambiguous_name_prints_the_candidates(shell: Shell, zoo: Zoo):
    with zoo.transaction() as session:
        ids = [a_dataset(zoo, session, name="farm").id for _ in range(2)]

    failed = shell.run("datasets", "show", "farm")

    assert failed.returncode == 1
    assert all(model_id in failed.stderr for model_id in ids)
    assert {c["id"] for c in shell.error("datasets", "show", "farm")["candidates"]} == set(ids)


def test_a_near_name_is_suggested(shell: Shell, zoo: Zoo):
    with zoo.transaction() as session:
        a_model(session, name="resnet18")

    assert "did you mean resnet18?" in shell.run("models", "layers", "resnet_18").stderr


def test_lists_are_searched_sorted_and_counted(shell: Shell, zoo: Zoo):
    with zoo.transaction() as session:
        for name in ("beta", "alpha"):
            a_model(session, name=name, tags=["farm"])

    listed = shell.json("models", "ls", "--sort", "name", "--query", "farm")
    counted = shell.output("models", "ls", "--count")

    assert [model["name"] for model in listed] == ["alpha", "beta"]
    assert counted.splitlines()[:4] == [
        "total   2",
        "state   ready 2",
        "task    classification 2",
        "tag     farm 2",
    ]
    assert shell.json("jobs", "ls", "--count") == {
        "total": 0,
        "facets": [{"name": "state", "values": []}, {"name": "method", "values": []}],
    }


def test_several_files_and_patterns_are_pushed_and_a_refused_one_is_named(
    shell: Shell, tmp_path: Path
):
    for name in ("a", "b"):
        network(tmp_path / f"{name}.pt2", name)
    (tmp_path / "c.pt2").write_bytes(b"\x80\x04pickle")
    (tmp_path / "c.manifest.json").write_text(json.dumps({**MANIFEST, "name": "c"}))

    done = shell.run("models", "push", str(tmp_path / "*.pt2"), "--no-wait", "--json")

    pushed = [json.loads(line)["name"] for line in done.stdout.splitlines()]
    assert (pushed, done.returncode) == (["a", "b"], 1)
    assert "c.pt2" in done.stderr
    assert "no file is at" in shell.run("models", "push", str(tmp_path / "*.onnx")).stderr
    several = [str(tmp_path / "a.pt2"), str(tmp_path / "b.pt2"), "--name", "x"]
    assert "single file" in shell.run("models", "push", *several).stderr


def test_the_own_key_is_shown(shell: Shell):
    assert shell.json("keys", "show")["held_scopes"][0] == "admin"


def test_a_retry_prints_its_reason_and_its_pause(capsys: pytest.CaptureFixture[str]):
    error = ZooClientError("the disk is full", code="storage_full")
    retry = Retry(error, failures=2, attempts=6, pause_seconds=7.95)

    TextOutput(width=200).waiting(retry)
    JsonOutput().waiting(retry)

    text, line = capsys.readouterr().err.splitlines()
    assert text == (
        "waiting: the disk is full (storage_full); trying again in 8.0 s, 4 attempts left"
    )
    assert json.loads(line)["waiting"]["code"] == "storage_full"


def test_the_client_reports_every_pause(monkeypatch: pytest.MonkeyPatch):
    from zooscope import RetryPolicy, ZooClient

    retries: list[Retry] = []
    policy = RetryPolicy(attempts=3, first_seconds=0.001, largest_seconds=0.002)

    with (
        ZooClient("http://127.0.0.1:1", retry_policy=policy, on_retry=retries.append) as client,
        pytest.raises(UnreachableError),
    ):
        client.models.show("fox")

    assert [(retry.failures, retry.error.code) for retry in retries] == [
        (1, "unreachable"),
        (2, "unreachable"),
    ]
