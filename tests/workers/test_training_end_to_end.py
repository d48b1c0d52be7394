"""A training job makes a model of the zoo, survives a killed child to the last bit, and tells how it goes."""

import json
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors import safe_open
from sqlalchemy import func
from sqlalchemy.orm import Session
from torch import nn

from service.container import Zoo
from service.core.catalog.training import source_ids
from service.core.errors import ConflictError, InvalidRequestError
from service.core.operations import owned_rows
from service.core.operations.accuracies import accuracies
from service.core.operations.accuracies.accuracies import AccuracyFilter
from service.core.operations.jobs import jobs, lifecycle
from service.core.tables import DatasetRecord, JobRecord, ModelRecord
from tests.jobs.processes import Process, zoo_processes
from tests.waiting import eventually
from tests.workers import test_label_rankings_end_to_end as label_rankings
from tests.workers.killed_children import killed_after_a_checkpoint
from workers.isolation.fork_client import ForkServerClient
from workers.isolation.workdir import Scratch
from workers.programs import read_program
from workers.worker.run_job import WorkerContext, run_next
from workers.worker.stage.inputs import stage

pytestmark = pytest.mark.slow

PROJECT = "default"
QUICK = {"budget": {"steps": 8}, "batch_size": 8, "num_evaluations": 2}
HASTE = {
    "ZOO_HEARTBEAT_SECONDS": "0.5",
    "ZOO_REAPER_INTERVAL_SECONDS": "0.5",
}
REPEATED: dict[str, dict[str, Any]] = {
    "adversarial_distillation": {"generator_width": 4, "imitations": 1, "noise_units": 8}
}
STUDENT = {"architecture": "plain", "width": 4, "image_size": 8}


@pytest.fixture(scope="module")
def context(
    shared_zoo: Zoo, fork_server: ForkServerClient, tmp_path_factory: pytest.TempPathFactory
) -> WorkerContext:
    """A worker of a zoo with a labeled set, a classifier that knows its labels, and another net."""
    zoo, folder = shared_zoo, tmp_path_factory.mktemp("networks")
    label_rankings._add_dataset(zoo)
    for seed, name in enumerate(("mdl_0", "mdl_1")):
        label_rankings._add_model(
            zoo, label_rankings._network(folder, seed), name, classifier=name == "mdl_0"
        )
    with zoo.transaction() as session:
        teacher = session.get_one(ModelRecord, "mdl_0")
        teacher.manifest = {**teacher.manifest, "classes": ["bright", "dark", "red", "blue"]}
    context = WorkerContext(zoo, fork_server, lambda: False)
    label_rankings._submit(zoo, "dataset_ingestion", {"dataset_id": "dst_1"})
    for name in ("mdl_0", "mdl_1"):
        label_rankings._submit(zoo, "model_validation", {"model_id": name})
    while run_next(context):
        pass
    return context


def submit(zoo: Zoo, method: str, *, model: str = "mdl_0", **params: object) -> str:
    if method.endswith("distillation"):
        params = {"student": STUDENT, **params}
    transfer = method in ("fine_tune", "linear_probe")
    source = {"source_model_id": model} if transfer else {"teachers": [model]}
    data_free = method == "adversarial_distillation"
    inputs = {**source, "eval_dataset_id" if data_free else "dataset_id": "dst_1"}
    with zoo.transaction() as session:
        return jobs.submit(
            session, project=PROJECT, method=method, inputs=inputs, params={**QUICK, **params}
        ).id


def job_of(zoo: Zoo, job_id: str) -> JobRecord:
    with zoo.transaction() as session:
        return owned_rows.get(session, JobRecord, project=PROJECT, id=job_id)


def student_of(zoo: Zoo, job_id: str) -> ModelRecord:
    job = job_of(zoo, job_id)
    assert job.state == "succeeded", job.error
    with zoo.transaction() as session:
        return session.get_one(ModelRecord, job.result["model_id"])


def weights_of(zoo: Zoo, job_id: str, folder: Path) -> dict[str, torch.Tensor]:
    path = folder / f"{job_id}.pt2"
    zoo.blobs.fetch(student_of(zoo, job_id).program_sha256 or "", path)
    return dict(read_program(path).named_weights())


@pytest.mark.parametrize("method", ["knowledge_distillation", "fine_tune", "linear_probe"])
def test_a_training_leaves_a_model_with_lineage_reports_and_a_record(
    context: WorkerContext, method: str
):
    job_id = submit(context.zoo, method)

    assert run_next(context)

    student = student_of(context.zoo, job_id)
    assert student.state == "ready"
    assert source_ids(student.lineage) == ["mdl_0"]
    assert student.manifest["classes"][:2] == ["bright", "dark"]
    with context.zoo.transaction() as session:
        files = jobs.artifacts(session, project=PROJECT, job_id=job_id)
        metrics = [
            e for e in jobs.events_after(session, job_id=job_id, seq=0) if e.type == "metrics"
        ]
        page = accuracies.page(
            session, project=PROJECT, where=AccuracyFilter(dataset="dst_1"), after=None, limit=99
        )
    assert [file.name for file in files] == ["curve.png", "report.json", "report.md"]
    steps = [event.data["step"] for event in metrics]
    # A linear probe ends when it has converged.
    assert steps == [4, 8] if method != "linear_probe" else 0 < steps[-1] <= 8
    assert all(0 <= event.data["accuracy"] <= 1 for event in metrics)
    assert [item.value for item in page.items if item.job_id == job_id] == [
        student.lineage["measured"]["accuracy"]
    ]
    assert job_of(context.zoo, job_id).checkpoint_sha256 is None


@pytest.mark.parametrize("method", ["knowledge_distillation", "adversarial_distillation"])
def test_a_run_is_repeated_from_its_report_alone(
    context: WorkerContext, tmp_path: Path, method: str
):
    zoo = context.zoo
    job_id = submit(zoo, method, **REPEATED.get(method, {}))
    assert run_next(context)
    student = student_of(zoo, job_id)
    report = report_of(zoo, job_id, tmp_path)

    recipe = report["recipe"]
    with zoo.transaction() as session:
        again = jobs.submit(
            session,
            project=PROJECT,
            method=recipe["method"],
            inputs=recipe["inputs"],
            params=report["params"],
        ).id
    assert run_next(context)

    job = job_of(zoo, job_id)
    assert student.lineage["params"] == job.result["params"] == report["params"]
    assert [teacher["id"] for teacher in recipe["teachers"]] == ["mdl_0"]
    assert recipe["method_version"] == job.method_version
    data_free = method == "adversarial_distillation"
    assert recipe["dataset"] == ("none" if data_free else {"id": "dst_1", "name": "light"})
    assert_same(weights_of(zoo, again, tmp_path), weights_of(zoo, job_id, tmp_path))


def report_of(zoo: Zoo, job_id: str, folder: Path) -> dict[str, Any]:
    """The report of a job as programs read it."""
    with zoo.transaction() as session:
        files = jobs.artifacts(session, project=PROJECT, job_id=job_id)
        (digest,) = [file.sha256 for file in files if file.name == "report.json"]
    path = folder / f"{job_id}.json"
    zoo.blobs.fetch(digest, path)
    report: dict[str, Any] = json.loads(path.read_text())
    return report


@pytest.mark.parametrize("method", ["fine_tune", "linear_probe"])
def test_a_network_of_any_task_is_built_on_at_its_feature_layer(
    context: WorkerContext, method: str
):
    """An embedding without classes teaches no labels, but its features can be probed."""
    job_id = submit(context.zoo, method, model="mdl_1")

    assert run_next(context)

    student = student_of(context.zoo, job_id)
    assert source_ids(student.lineage) == ["mdl_1"]
    assert student.manifest["classes"] == ["bright", "dark"]


def test_a_student_is_loaded_by_plain_pytorch(context: WorkerContext, tmp_path: Path):
    job_id = submit(context.zoo, "knowledge_distillation")
    assert run_next(context)
    path = tmp_path / "student.pt2"
    context.zoo.blobs.fetch(student_of(context.zoo, job_id).upload_sha256 or "", path)

    network: nn.Module = torch.export.load(path).module()

    assert network(torch.zeros(2, 3, 8, 8)).shape == (2, 4)


def test_a_killed_child_resumes_from_its_checkpoint_to_the_same_weights(
    context: WorkerContext, tmp_path: Path
):
    zoo, course = context.zoo, {"budget": {"steps": 150}, "checkpoint_interval_seconds": 0.0}
    whole = submit(zoo, "knowledge_distillation", **course)
    assert run_next(context)

    cut = killed_after_a_checkpoint(
        context, lambda: submit(zoo, "knowledge_distillation", **course)
    )

    assert job_of(zoo, cut).checkpoint_sha256 is not None
    eventually(lambda: run_next(context))
    assert job_of(zoo, cut).attempts == 2
    assert_same(weights_of(zoo, cut, tmp_path), weights_of(zoo, whole, tmp_path))


def assert_same(actual: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    """Equal to the last bit."""
    assert expected.keys() == actual.keys()
    for name, value in expected.items():
        torch.testing.assert_close(actual[name], value, rtol=0, atol=0)


def killed_with_checkpoint(zoo: Zoo, worker: Process, job_id: str) -> None:
    """Kill a worker and its family once the job that it runs has a checkpoint."""
    eventually(lambda: job_of(zoo, job_id).checkpoint_sha256 is not None)
    for process in (*worker.descendants(), psutil.Process(worker.pid)):
        process.kill()
    worker.process.wait()


def end_lease(zoo: Zoo, job_id: str) -> None:
    """Let a dead worker's lease be over by the database's clock."""
    with zoo.transaction() as session:
        session.get_one(JobRecord, job_id).lease_until = func.clock_timestamp()


def test_a_killed_worker_is_replaced_and_the_training_ends_with_the_same_weights(
    context: WorkerContext, tmp_path: Path
):
    zoo, course = context.zoo, {"budget": {"steps": 100}, "checkpoint_interval_seconds": 0.0}
    whole = submit(zoo, "knowledge_distillation", **course)
    assert run_next(context)
    cut = ""
    with zoo_processes(
        zoo.settings.folder.parent, zoo.settings.database_url.get_secret_value(), **HASTE
    ) as processes:
        processes.redis()
        processes.scheduler()
        while not cut or job_of(zoo, cut).state == "succeeded":  # before the worker was killed
            cut = submit(zoo, "knowledge_distillation", **course)
            killed_with_checkpoint(zoo, processes.worker(), cut)
        end_lease(zoo, cut)
        processes.worker()

        eventually(lambda: job_of(zoo, cut).state == "succeeded")
    assert job_of(zoo, cut).fence == 2
    assert_same(weights_of(zoo, cut, tmp_path), weights_of(zoo, whole, tmp_path))


def is_cancelled_on_its_way(context: WorkerContext, job_id: str) -> bool:
    """Run a job and cancel it after its first step; False if it ended before on a busy machine."""
    zoo, worker = context.zoo, threading.Thread(target=run_next, args=(context,))
    worker.start()
    eventually(
        lambda: (job_of(zoo, job_id).progress or {}).get("step", 0) > 0 or not worker.is_alive()
    )
    with suppress(ConflictError), zoo.transaction() as session:
        jobs.cancel(session, project=PROJECT, job_id=job_id)
    worker.join()
    state = job_of(zoo, job_id).state
    assert state in ("cancelled", "succeeded")
    return state == "cancelled"


def test_a_cancelled_training_keeps_a_checkpoint_and_resumes_from_it(
    context: WorkerContext, tmp_path: Path
):
    zoo, job_id = context.zoo, ""
    course = {"budget": {"steps": 300}, "num_evaluations": 30, "checkpoint_interval_seconds": 60}

    while not job_id or not is_cancelled_on_its_way(context, job_id):
        job_id = submit(zoo, "knowledge_distillation", **course)

    zoo.blobs.fetch(job_of(zoo, job_id).checkpoint_sha256 or "", tmp_path / "kept")
    with safe_open(tmp_path / "kept", framework="pt") as file:
        taken = json.loads(file.metadata()["facts"])["taken"]
    with zoo.transaction() as session:
        last_seq = max(event.seq for event in jobs.events_after(session, job_id=job_id, seq=0))
        jobs.retry(session, project=PROJECT, job_id=job_id)
    assert run_next(context)
    assert job_of(zoo, job_id).state == "succeeded"
    with zoo.transaction() as session:
        later = jobs.events_after(session, job_id=job_id, seq=last_seq)
        steps = [event.data["step"] for event in later if event.type == "metrics"]
    assert 0 < taken < min(steps)
    assert max(steps) == 300


def run_without_export(context: WorkerContext) -> None:
    """Run the next job with a folder in the place of its exported program."""
    make = Scratch.make

    def blocked(scratch: Scratch) -> None:
        make(scratch)
        (scratch.out / "program.pt2").mkdir()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scratch, "make", blocked)
        assert run_next(context)


def test_a_training_whose_export_fails_is_retried_from_its_last_step(context: WorkerContext):
    zoo = context.zoo
    job_id = submit(zoo, "knowledge_distillation")
    with zoo.transaction() as session:
        session.get_one(JobRecord, job_id).max_attempts = 1
    run_without_export(context)
    failed, taught = job_of(zoo, job_id), steps_of(zoo, job_id)

    with zoo.transaction() as session:
        jobs.retry(session, project=PROJECT, job_id=job_id)
    assert run_next(context)

    assert (failed.state, failed.error["code"]) == ("failed", "internal")
    assert failed.checkpoint_sha256 is not None
    assert student_of(zoo, job_id).state == "ready"
    assert max(taught) == QUICK["budget"]["steps"]
    assert steps_of(zoo, job_id) == taught


def test_an_unexpected_error_is_tried_again_while_attempts_are_left(context: WorkerContext):
    zoo = context.zoo
    job_id = submit(zoo, "knowledge_distillation")
    run_without_export(context)
    waiting = job_of(zoo, job_id).state

    eventually(lambda: run_next(context))

    assert waiting == "queued"
    assert student_of(zoo, job_id).state == "ready"
    assert job_of(zoo, job_id).attempts == 2


def steps_of(zoo: Zoo, job_id: str) -> list[int]:
    """The steps after which the training was measured, over all attempts."""
    with zoo.transaction() as session:
        events = jobs.events_after(session, job_id=job_id, seq=0)
        return [event.data["step"] for event in events if event.type == "metrics"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"teacher": "mdl_1"}, "unsupported_teacher_task"),
        ({"teacher_layer": "nowhere"}, "layer_not_found"),
        ({"attention_weight": 1, "teacher_layer": "4"}, "layer_not_spatial"),
        ({"label_weight": 1, "labels": ["bright", "pink"]}, "unknown_labels"),
    ],
)
def test_a_contradictory_request_is_refused_at_submission(
    context: WorkerContext, change: dict[str, object], code: str
):
    params = dict(change)
    inputs = {"teachers": [params.pop("teacher", "mdl_0")], "dataset_id": "dst_1"}
    labels = params.pop("labels", None)

    with context.zoo.transaction() as session, pytest.raises(InvalidRequestError) as refused:
        if labels is not None:
            session.get_one(DatasetRecord, "dst_1").labels = labels
        jobs.submit(
            session, project=PROJECT, method="knowledge_distillation", inputs=inputs, params=params
        )

    assert refused.value.code == code
    assert refused.value.remedy


def test_a_stored_checkpoint_is_deleted_when_the_next_one_comes(
    context: WorkerContext, monkeypatch: pytest.MonkeyPatch
):
    zoo, checkpoints, keep = context.zoo, list[str](), lifecycle.set_checkpoint

    def noted(session: Session, *, job_id: str, fence: int, sha256: str) -> None:
        checkpoints.append(sha256)
        keep(session, job_id=job_id, fence=fence, sha256=sha256)

    monkeypatch.setattr(lifecycle, "set_checkpoint", noted)
    course = {"budget": {"steps": 30}, "checkpoint_interval_seconds": 0.0}
    job_id = submit(zoo, "knowledge_distillation", **course)
    assert run_next(context)

    assert job_of(zoo, job_id).state == "succeeded"
    assert len(checkpoints) > 1
    assert not any(zoo.blobs.exists(checkpoint) for checkpoint in checkpoints[:-1])


def test_a_training_without_data_stages_no_training_image(context: WorkerContext, tmp_path: Path):
    student = {"student": STUDENT, "preset": "dfad", "generator_width": 4, "imitations": 1}
    with context.zoo.transaction() as session:
        job = jobs.submit(
            session,
            project=PROJECT,
            method="adversarial_distillation",
            inputs={"teachers": ["mdl_0"], "eval_dataset_id": "dst_1"},
            params={**QUICK, **student},
        )
        session.expunge(job)
    scratch = Scratch(tmp_path / "scratch")

    stage(context.zoo, job, scratch)

    assert {path.name for path in scratch.inputs.iterdir()} == {
        "teacher_0.pt2",
        "eval_dataset.npy",
    }
    assert json.loads(scratch.request.read_text())["facts"]["dataset"] is None
    assert run_next(context)
    student = student_of(context.zoo, job.id)
    assert (student.lineage["dataset"], student.lineage["eval_dataset"]) == (None, "dst_1")
    assert student.lineage["measured"]["trained_on"] == 0
