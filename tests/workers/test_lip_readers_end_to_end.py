"""A job trains a lip reader with a recognizer of the zoo, and resumes to the last bit."""

import json
import threading
from pathlib import Path

import pytest
from safetensors import safe_open

from service.container import Zoo
from service.core.errors import InvalidRequestError
from service.core.operations.jobs import jobs
from service.core.tables import JobRecord
from service.views.models import ModelView
from tests.waiting import eventually
from tests.workers.killed_children import killed_after_a_checkpoint
from tests.workers.reader_jobs import (
    QUICK,
    assert_same,
    job_of,
    reader_of,
    submitted,
    training,
    weights_of,
    worker_with_clips,
)
from tests.workers.test_every_method_end_to_end import PROJECT
from workers.isolation.fork_client import ForkServerClient
from workers.torchkit.speech.features import CropReader
from workers.torchkit.speech.stored_readers import StoredReader, restored_reader
from workers.worker.run_job import WorkerContext, run_next

LIPS = {"components": 4}
ALONE = {"sequence": 0, "context": 0, "frame": 0}


@pytest.fixture(scope="module")
def context(shared_zoo: Zoo, fork_server: ForkServerClient) -> WorkerContext:
    """A worker of a zoo with twelve clips of six sentences."""
    return worker_with_clips(shared_zoo, fork_server)


@pytest.fixture(scope="module")
def teacher(context: WorkerContext) -> str:
    """The id of a recognizer that learned the clips."""
    job_id = training(context.zoo)
    assert run_next(context)
    return reader_of(context.zoo, job_of(context.zoo, job_id)).id


def lip_training(zoo: Zoo, *teachers: str, **params: object) -> str:
    inputs = {"dataset_id": "dst_1", "teachers": list(teachers)}
    return submitted(zoo, "lip_by_speech", inputs, **QUICK | LIPS | params)


@pytest.fixture(scope="module")
def trained(context: WorkerContext, teacher: str) -> JobRecord:
    """A finished job of a lip reader with the teacher."""
    job_id = lip_training(context.zoo, teacher)
    assert run_next(context)
    job = job_of(context.zoo, job_id)
    assert job.state == "succeeded", job.error
    return job


def test_a_training_leaves_a_reader_of_crops_that_loads_without_code(
    context: WorkerContext, trained: JobRecord, tmp_path: Path
):
    model = reader_of(context.zoo, trained)

    tensors = weights_of(context.zoo, trained.id, tmp_path)
    reader = restored_reader(StoredReader(tensors, model.manifest["reader"]))

    assert isinstance(reader.features, CropReader)
    assert reader.features.spreads.shape == (4,)
    view = ModelView.of(model)
    assert view.reader is not None
    assert (view.input, view.reader.modality) == (None, "video")


def test_the_report_compares_with_the_teacher_and_one_text(
    context: WorkerContext, trained: JobRecord, teacher: str, tmp_path: Path
):
    with context.zoo.transaction() as session:
        files = jobs.artifacts(session, project=PROJECT, job_id=trained.id)
    digests = {file.name: file.sha256 for file in files}
    for name in ("report.json", "report.md"):
        context.zoo.blobs.fetch(digests[name], tmp_path / name)
    report = json.loads((tmp_path / "report.json").read_text())
    text = (tmp_path / "report.md").read_text()

    assert sorted(digests) == ["alignment.png", "curve.png", "report.json", "report.md"]
    quality = report["quality"]
    for name in ("held_out_lead_over_teacher", "held_out_lead_over_same_text"):
        assert quality[f"{name}_low"] <= quality[name] <= quality[f"{name}_high"]
        assert name.replace("_", " ") in text
    lead = quality["held_out_teacher_error"] - quality["held_out_error"]
    assert quality["held_out_lead_over_teacher"] == pytest.approx(lead)
    warned = "teacher_not_better" in [warning["code"] for warning in report["warnings"]]
    assert warned is (quality["held_out_teacher_error"] > 0.5 * quality["held_out_error"])
    assert [entry["id"] for entry in report["recipe"]["teachers"]] == [teacher]
    assert set(report["details"]["variances"]) == {"sequence", "context", "frame"}


def test_lineage_names_the_teacher(context: WorkerContext, trained: JobRecord, teacher: str):
    model = reader_of(context.zoo, trained)

    assert model.lineage is not None
    assert model.lineage["teachers"] == [teacher]
    assert None not in model.lineage["teacher_fingerprints"]
    assert model.lineage["datasets"] == ["dst_1"]


def test_without_weights_a_lip_reader_learns_alone(context: WorkerContext):
    alone = lip_training(context.zoo, weights=ALONE)
    assert run_next(context)

    job = job_of(context.zoo, alone)
    assert job.state == "succeeded", job.error
    assert "held_out_teacher_error" not in job.result


def test_a_killed_child_resumes_from_its_checkpoint_to_the_same_weights(
    context: WorkerContext, teacher: str, tmp_path: Path
):
    zoo, long = context.zoo, {"budget": {"steps": 60}, "checkpoint_interval_seconds": 0.0}
    whole = lip_training(zoo, teacher, **long)
    assert run_next(context)

    cut = killed_after_a_checkpoint(context, lambda: lip_training(zoo, teacher, **long))

    eventually(lambda: run_next(context))
    assert job_of(zoo, cut).attempts == 2
    assert_same(weights_of(zoo, cut, tmp_path), weights_of(zoo, whole, tmp_path))


def test_a_cancelled_training_is_retried_from_its_checkpoint(
    context: WorkerContext, teacher: str, tmp_path: Path
):
    zoo = context.zoo
    job_id = lip_training(zoo, teacher, budget={"steps": 5000}, num_evaluations=1000)
    cancelled_when_measured(context, job_id, after=0)
    cancelled = job_of(zoo, job_id)
    zoo.blobs.fetch(cancelled.checkpoint_sha256 or "", tmp_path / "checkpoint")
    with safe_open(tmp_path / "checkpoint", framework="pt") as file:
        taken = json.loads(file.metadata()["facts"])["taken"]
    with zoo.transaction() as session:
        last_seq = max(event.seq for event in jobs.events_after(session, job_id=job_id, seq=0))
        jobs.retry(session, project=PROJECT, job_id=job_id)

    cancelled_when_measured(context, job_id, after=last_seq)

    assert (cancelled.state, job_of(zoo, job_id).state) == ("cancelled", "cancelled")
    assert 0 < taken < measured_steps(zoo, job_id, after=last_seq)[0]


def cancelled_when_measured(context: WorkerContext, job_id: str, *, after: int) -> None:
    """Run the job until it reports an error rate, and cancel it."""
    worker = threading.Thread(target=run_next, args=(context,))
    worker.start()
    eventually(lambda: measured_steps(context.zoo, job_id, after=after))
    with context.zoo.transaction() as session:
        jobs.cancel(session, project=PROJECT, job_id=job_id)
    worker.join()


def measured_steps(zoo: Zoo, job_id: str, *, after: int) -> list[int]:
    """The steps of the job's measurements after an event."""
    with zoo.transaction() as session:
        events = jobs.events_after(session, job_id=job_id, seq=after)
    return [event.data["step"] for event in events if event.type == "metrics"]


def test_a_lip_reader_does_not_teach(context: WorkerContext, trained: JobRecord):
    with pytest.raises(InvalidRequestError) as refused:
        lip_training(context.zoo, reader_of(context.zoo, trained).id)

    assert refused.value.code == "not_a_recognizer"
    assert refused.value.errors[0].pointer == "/inputs/teachers/0"
