"""The command line against a real zoo: tables for people, JSON for programs, exit codes for scripts."""

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from service.container import Zoo
from service.core.home_secrets import Purpose, home_secret
from service.core.operations.access import keys
from service.core.operations.rankings import fused
from service.core.tables import DatasetRecord, DatasetState, RankingRecord
from tests.rest.served import (
    MANIFEST,
    a_dataset,
    a_graph,
    a_model,
    an_affinity,
    archive,
    masked,
    serving,
    stored,
)
from tests.waiting import HANG_SECONDS, eventually
from tests.zooscope.cli.shells import Shell
from zooscope.cli.keys import expiry_in
from zooscope.cli.output import format_time

pytestmark = pytest.mark.slow


@pytest.fixture
def fox(tmp_path: Path) -> Path:
    """A network on disk with its manifest beside it."""
    path = tmp_path / "fox.pt2"
    path.write_bytes(archive())
    path.with_name("fox.manifest.json").write_text(json.dumps(MANIFEST))
    return path


def test_a_network_is_pushed_listed_shown_and_deleted(shell: Shell, fox: Path):
    pushed = shell.json("models", "push", str(fox), "--no-wait", "--tag", "red")

    assert (pushed["name"], pushed["tags"], pushed["state"]) == ("fox", ["red"], "uploaded")
    assert pushed["id"] in shell.output("models", "ls")
    assert shell.json("models", "ls", "--tag", "red")[0]["id"] == pushed["id"]
    assert shell.json("models", "show", pushed["id"])["sha256"] == pushed["sha256"]
    assert "deleted" in shell.output("models", "rm", pushed["id"])
    assert shell.json("models", "ls") == []


@pytest.mark.parametrize("what", ["image", "mask"])
def test_an_image_of_a_dataset_and_its_mask_are_saved(
    shell: Shell, zoo: Zoo, tmp_path: Path, what: str
):
    with zoo.transaction() as session:
        masked(session, a_dataset(zoo, session))
    out = tmp_path / "farm.png"

    shell.output("datasets", what, "farm", "--index", "1", "-o", str(out))

    assert out.read_bytes() == b"\x89PNG two!"


def test_a_network_is_fetched_and_its_layers_are_listed(shell: Shell, zoo: Zoo, tmp_path: Path):
    with zoo.transaction() as session:
        id_ = a_model(session, upload_sha256=stored(zoo, b"fox" * 999), upload_bytes=2997).id

    shell.output("models", "download", id_, "--out", str(tmp_path / "back.pt2"))

    assert (tmp_path / "back.pt2").read_bytes() == b"fox" * 999
    assert "4 × 8 × 8" in shell.output("models", "layers", id_)


def test_a_folder_of_images_is_pushed_with_its_labels(shell: Shell, tmp_path: Path):
    for name in ("cat/1.png", "dog/1.png"):
        (tmp_path / "farm" / name).parent.mkdir(parents=True)
        (tmp_path / "farm" / name).write_bytes(b"png")

    pushed = shell.json("datasets", "push", str(tmp_path / "farm"), "--no-wait")

    assert pushed["name"] == "farm"
    assert shell.json("datasets", "ls")[0]["id"] == pushed["id"]


def _rejected_by_the_zoo(zoo: Zoo) -> None:
    """What the check of a pushed folder does when one of its images is damaged."""

    def reject() -> bool:
        with zoo.transaction() as session:
            dataset = session.scalars(select(DatasetRecord)).one_or_none()
            if dataset is not None:
                dataset.state = DatasetState.REJECTED
                dataset.notes = [
                    {
                        "code": "skipped_files",
                        "detail": "left out",
                        "count": 9,
                        "names": ["README"],
                    }
                ]
                dataset.problems = [
                    {"name": "", "code": "images_refused", "detail": "1 of 2", "remedy": "skip"},
                    {"name": "cat/1.png", "code": "image_refused", "detail": "damaged"},
                ]
        return dataset is not None

    eventually(reject)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_rejected_folder_is_explained_file_by_file(shell: Shell, zoo: Zoo, tmp_path: Path, form):
    for name in ("cat/1.png", "dog/1.png", ".hidden"):
        (tmp_path / "farm" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "farm" / name).write_bytes(b"png")
    check = threading.Thread(target=_rejected_by_the_zoo, args=[zoo])
    check.start()

    words = ("datasets", "push", str(tmp_path / "farm"), *(["--json"] if form == "json" else []))
    done = shell.run(*words)
    check.join()

    assert done.returncode == 1
    if form == "json":
        assert json.loads(done.stderr)["code"] == "images_refused"
        assert len(json.loads(done.stdout)["problems"]) == 2
        assert json.loads(done.stdout)["packing_notes"] == ["1 hidden files left out: .hidden"]
        return
    lines = done.stderr.splitlines()
    assert lines[:3] == [
        "note: 1 hidden files left out: .hidden", "note: left out (9): README and 8 more",
        "cat/1.png: damaged (image_refused)",
    ]  # fmt: skip
    assert "1 of 2" in done.stderr


def test_a_ranking_is_printed_as_a_table_and_reweighted(shell: Shell, zoo: Zoo):
    with zoo.transaction() as session:
        probes = a_dataset(zoo, session)
        hen, fox = a_model(session, name="hen"), a_model(session, name="fox")
        item, two = a_graph(session, hen, probes), a_graph(session, fox, probes)
        an_affinity(session, item, two, node=0.5, edge=0.25)

    target = ("--probes", probes.id, "--model", hen.id)
    asked = ("rank", *target, "--metric", "depara", "--edge-weight", "2")
    text, data = shell.output(*asked), shell.json(*asked)

    assert "fox" in text
    assert "1.0000" in text
    assert [item["score"] for item in data["items"]] == [1.0]
    reweighted = shell.json("rankings", "show", data["id"], "--edge-weight", "0")
    assert [item["score"] for item in reweighted["items"]] == [0.5]


@pytest.mark.usefixtures("measurable")
def test_a_job_is_submitted_cancelled_watched_and_retried(shell: Shell):
    inputs = ("-i", "model_id=mdl_1", "-i", "dataset_id=dst_1", "--set", "grid=16")

    job = shell.json("jobs", "submit", "depara", *inputs)
    cancelled = shell.json("jobs", "cancel", job["id"])
    events = shell.output("jobs", "watch", job["id"], "--json").splitlines()

    assert job["params"]["grid"] == 16
    assert cancelled["state"] == "cancelled"
    assert [json.loads(line)["type"] for line in events] == ["queued", "cancelled"]
    assert shell.json("jobs", "retry", job["id"])["state"] == "queued"
    assert job["id"] in shell.output("jobs", "ls", "--state", "queued")


def test_a_key_is_created_used_and_revoked(shell: Shell, zoo: Zoo):
    created = shell.json(
        "keys", "create", "a reader", "--scope", "read", "--expires", "2100-01-31"
    )

    assert created["expires_at"] == "2100-01-31T00:00:00Z"
    assert shell.json("models", "ls", "--key", created["token"]) == []
    eventually(lambda: shell.json("keys", "ls")[0]["last_used_at"])
    listed = shell.output("keys", "ls")
    assert "a reader" in listed
    assert "2100-01-31 00:00:00" in listed
    last_use = shell.json("keys", "ls")[0]["last_used_at"]
    assert format_time(last_use) in listed
    shell.output("keys", "revoke", created["id"])
    assert shell.json("keys", "ls")[0]["revoked_at"] is not None
    assert created["token"] not in shell.output("keys", "ls", "--json")


def test_the_remedy_for_a_wrong_key_is_another_one_and_for_none_an_option(shell: Shell):
    wrong = shell.run("models", "ls", "--key", "zoo_1_2")
    del shell.environment["ZOO_KEY"]
    missing = shell.run("models", "ls")

    assert "zooscope keys create" in wrong.stderr
    assert "--key" in missing.stderr


def test_the_operator_creates_and_lists_keys_of_other_projects(shell: Shell):
    shell.output("keys", "create", "their admin", "--scope", "admin", "--project", "fish")

    assert [key["name"] for key in shell.json("keys", "ls", "--project", "fish")] == [
        "their admin"
    ]
    assert "their admin" not in shell.output("keys", "ls")


@pytest.mark.parametrize("text", ["12h", "90d", "4w", "2100-01-31", "2100-01-31T12:00+01:00"])
def test_an_expiry_is_a_duration_a_date_or_a_time(text: str):
    assert expiry_in(text) > datetime.now(tz=UTC)


@pytest.mark.parametrize("text", ["", "soon", "0d", "-1d", "90", "2100-13-01"])
def test_an_expiry_that_is_no_time_is_wrong_usage(shell: Shell, text: str):
    done = shell.run("keys", "create", "n", "--scope", "read", f"--expires={text}")

    assert done.returncode == 2


def test_methods_are_listed_and_shown(shell: Shell):
    assert "DEPARA" in shell.output("methods", "ls")
    assert "grid" in shell.json("methods", "show", "depara")["params"]["properties"]


def test_an_error_exits_with_1_and_prints_the_remedy(shell: Shell, fox: Path):
    fox.write_bytes(b"\x80\x04pickled")

    done = shell.run("models", "push", str(fox))

    assert done.returncode == 1
    assert "unsafe_format" in done.stderr
    assert "zooscope pack" in done.stderr
    assert done.stdout == ""


def test_an_error_is_json_with_json_output(shell: Shell):
    done = shell.run("models", "show", "mdl_0", "--json")

    assert done.returncode == 1
    assert json.loads(done.stderr)["code"] == "model_not_found"


def test_wrong_usage_exits_with_2(shell: Shell):
    assert shell.run("models", "push").returncode == 2
    assert shell.run("models", "fly").returncode == 2
    assert shell.run("jobs", "submit", "depara", "-i", "model").returncode == 2


def test_an_unreachable_zoo_is_reported_with_a_remedy(tmp_path: Path):
    done = Shell("http://127.0.0.1:1", "zoo_1_2", tmp_path).run("models", "ls")

    assert done.returncode == 1
    assert "zooscope up" in done.stderr


def test_address_and_key_come_from_the_home_folder_on_the_zoos_machine(zoo: Zoo, tmp_path: Path):
    with zoo.transaction() as session:
        issued = keys.issue_first(session)
    assert issued is not None
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    with serving(zoo) as url:
        (home / "up.json").write_text(json.dumps({"rest_url": url}))
        (home / "admin.key").write_text(issued.token + "\n")
        secret = home_secret(zoo.settings.folder, Purpose.IDENTITY)
        (home / Purpose.IDENTITY).write_bytes(secret)
        command = [sys.executable, "-m", "zooscope.cli.main", "models", "ls", "--json"]

        done = subprocess.run(
            [*command, "--home", str(home)],
            env={},
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
        )

    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_every_command_has_help_and_pack_forwards_its_arguments():
    for words in (["--help"], ["models", "push", "--help"], ["pack", "--help"]):
        command = [sys.executable, "-m", "zooscope.cli.main", *words]

        done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_SECONDS)

        assert done.returncode == 0, done.stderr
    assert "--weights" in done.stdout


def test_a_listing_loads_neither_the_server_nor_torch():
    code = (
        "import sys, zooscope.cli.models, zooscope.cli.rankings, zooscope.cli.jobs; "
        "print(sorted({'torch', 'numpy', 'sqlalchemy', 'grpc', 'fastapi'} & set(sys.modules)))"
    )

    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert output.stdout.strip() == "[]"


def test_networks_are_ranked_by_an_imported_table(shell: Shell, zoo: Zoo, tmp_path: Path):
    with zoo.transaction() as session:
        target = a_dataset(zoo, session).id
        fox = a_model(session, name="fox").id
        a_model(session, name="hen")
    table = tmp_path / "history.csv"
    table.write_text("model,sea,sky\nfox,90,80\nhen,50,\noak,10,20\n")

    added = shell.json("accuracies", "import", str(table), "--percent", "--protocol", "fine_tune")
    again = shell.output(
        "accuracies", "import", str(table), "--percent", "--protocol", "fine_tune"
    )
    listed = shell.json("accuracies", "ls", "--model", "fox")
    words = ["rank", "--dataset", target, "--metric", "fused", "--estimators", "known"]
    pending = shell.json(*words, "--no-wait")
    with zoo.transaction() as session:
        ranking = session.get_one(RankingRecord, pending["id"])
        fused.fill(session, ranking=ranking, posterior=_posterior(fox))
    reported = shell.output("rankings", "show", pending["id"])

    assert added == {"accuracies": 5, "new": 5}
    assert "0 of them new" in again
    assert {(item["dataset"], item["value"]) for item in listed} == {("sea", 0.9), ("sky", 0.8)}
    assert listed[0]["source"] == "history.csv"
    assert "the best is one of: fox" in reported
    assert "measure next: fox" in reported
    assert "70.0 %" in reported
    assert "static" in reported


def _posterior(model: str) -> dict[str, Any]:
    """What the method that fuses would hand back."""
    estimate = {"model": model, "mean": 0.8, "low": 0.7, "high": 0.9, "p_best": 0.7}
    rest = {"deviation": 0.1, "expected_regret": 0.05, "measured": None}
    return {
        "estimates": [{**estimate, **rest}],
        "best_set": [model],
        "best_set_probability": 0.9,
        "expected_regret": 0.05,
        "measure_next": [model],
        "evidence": {"history": 1.0},
    }


def test_an_invalid_cell_is_reported_with_its_line(shell: Shell, tmp_path: Path):
    table = tmp_path / "history.csv"
    table.write_text("model,sea\nfox,high\n")

    done = shell.run("accuracies", "import", str(table))

    assert done.returncode == 1
    assert "line 2: 'high' is not a number (invalid_table)" in done.stderr
