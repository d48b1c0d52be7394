"""A job trains a reader on uploaded clips, resumes to the last bit, and requests about images refuse it."""

import json
from pathlib import Path

import pytest

from service.container import Zoo
from service.core.errors import InvalidRequestError
from service.core.operations.jobs import jobs
from service.core.operations.rankings.participants import candidates_of
from service.core.operations.rankings.schemas import Candidates
from service.core.operations.zoo import models
from service.core.operations.zoo.predictions import PredictOptions, request_for
from service.core.tables import DatasetRecord, JobRecord
from service.views.models import ModelView
from tests.waiting import eventually
from tests.workers.killed_children import killed_after_a_checkpoint
from tests.workers.reader_jobs import (
    QUICK,
    SENTENCES,
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
from workers.torchkit.speech.features import MelReader
from workers.torchkit.speech.stored_readers import StoredReader, restored_reader
from workers.worker.run_job import WorkerContext, run_next


@pytest.fixture(scope="module")
def context(shared_zoo: Zoo, fork_server: ForkServerClient) -> WorkerContext:
    """A worker of a zoo with twelve clips of six sentences."""
    return worker_with_clips(shared_zoo, fork_server)


@pytest.fixture(scope="module")
def trained(context: WorkerContext) -> JobRecord:
    """A finished job of the recognizer."""
    job_id = training(context.zoo)
    assert run_next(context)
    job = job_of(context.zoo, job_id)
    assert job.state == "succeeded", job.error
    return job


def test_a_training_leaves_a_reader_that_loads_without_code(
    context: WorkerContext, trained: JobRecord, tmp_path: Path
):
    model = reader_of(context.zoo, trained)

    tensors = weights_of(context.zoo, trained.id, tmp_path)
    reader = restored_reader(StoredReader(tensors, model.manifest["reader"]))

    assert isinstance(reader.features, MelReader)
    assert set(reader.vocabulary.tokens) <= set("".join(SENTENCES))
    assert sum(weight.numel() for weight in reader.network.parameters()) == model.parameters
    assert (model.state, model.task_kind, model.program_sha256) == ("ready", "transcription", None)


def test_a_training_leaves_lineage_reports_and_metrics(
    context: WorkerContext, trained: JobRecord, tmp_path: Path
):
    model = reader_of(context.zoo, trained)

    with context.zoo.transaction() as session:
        files = jobs.artifacts(session, project=PROJECT, job_id=trained.id)
        events = jobs.events_after(session, job_id=trained.id, seq=0)
    digests = {file.name: file.sha256 for file in files}
    context.zoo.blobs.fetch(digests["report.json"], tmp_path / "report.json")
    context.zoo.blobs.fetch(digests["report.md"], tmp_path / "report.md")
    report = json.loads((tmp_path / "report.json").read_text())

    assert sorted(digests) == ["curve.png", "report.json", "report.md"]
    assert [event.data["step"] for event in events if event.type == "metrics"] == [3, 6]
    assert (report["trained_on"], report["held_out"]) == (10, 2)
    assert model.lineage["datasets"] == ["dst_1"]
    assert model.lineage["measured"]["held_out_error"] == trained.result["held_out_error"]
    assert report["params"] == trained.result["params"]
    assert report["params"]["name"] == model.name == "speech_recognizer of noise"
    assert "held out error" in (tmp_path / "report.md").read_text()
    assert trained.checkpoint_sha256 is None


def test_the_model_says_that_it_reads_sound(context: WorkerContext, trained: JobRecord):
    view = ModelView.of(reader_of(context.zoo, trained))

    assert (view.input, view.format) == (None, "safetensors")
    assert view.reader is not None
    assert view.reader.modality == "audio"
    assert 0 < view.reader.tokens <= 6


def test_a_run_is_repeated_from_its_report_alone(
    context: WorkerContext, trained: JobRecord, tmp_path: Path
):
    again = submitted(
        context.zoo, trained.method, dict(trained.inputs), **trained.result["params"]
    )
    assert run_next(context)

    assert_same(
        weights_of(context.zoo, again, tmp_path), weights_of(context.zoo, trained.id, tmp_path)
    )


def test_a_killed_child_resumes_from_its_checkpoint_to_the_same_weights(
    context: WorkerContext, tmp_path: Path
):
    zoo, long = context.zoo, {"budget": {"steps": 80}, "checkpoint_interval_seconds": 0.0}
    whole = training(zoo, **long)
    assert run_next(context)

    cut = killed_after_a_checkpoint(context, lambda: training(zoo, **long))

    eventually(lambda: run_next(context))
    assert job_of(zoo, cut).attempts == 2
    assert_same(weights_of(zoo, cut, tmp_path), weights_of(zoo, whole, tmp_path))


@pytest.mark.parametrize(
    ("method", "field", "inputs"),
    [
        ("depara", "model_id", {"dataset_id": "dst_2"}),
        ("attribution_map", "model_ids", {"dataset_id": "dst_2", "indices": [0]}),
        ("knowledge_distillation", "teachers", {"dataset_id": "dst_2"}),
        ("fine_tune", "source_model_id", {"dataset_id": "dst_2"}),
    ],
)
def test_jobs_on_images_refuse_a_reader_when_they_are_submitted(
    context: WorkerContext,
    trained: JobRecord,
    method: str,
    field: str,
    inputs: dict[str, object],
):
    with context.zoo.transaction() as session:
        first = session.get_one(DatasetRecord, "dst_1")
        if session.get(DatasetRecord, "dst_2") is None:
            copied = {"upload_sha256": first.upload_sha256, "upload_bytes": first.upload_bytes}
            session.add(
                DatasetRecord(
                    id="dst_2", project=PROJECT, name="images", manifest={"name": "images"},
                    state="ready", **copied,
                )
            )  # fmt: skip
    model_id = trained.result["model_id"]
    named = model_id if field.endswith("model_id") else [model_id]

    with pytest.raises(InvalidRequestError) as refused:
        submitted(context.zoo, method, {**inputs, field: named})

    assert refused.value.code == "model_reads_clips"
    assert refused.value.errors[0].pointer.startswith(f"/inputs/{field}")


def test_predictions_on_images_refuse_a_reader(context: WorkerContext, trained: JobRecord):
    with context.zoo.transaction() as session, pytest.raises(InvalidRequestError) as refused:
        request_for(
            session,
            project=PROJECT,
            model_id=trained.result["model_id"],
            images=[b""],
            options=PredictOptions(),
            blobs=context.zoo.blobs,
            most_bytes=1,
            timeout_seconds=1,
        )

    assert refused.value.code == "model_reads_clips"


def test_rankings_leave_readers_out_and_say_why_a_named_one_is_not_ranked(
    context: WorkerContext, trained: JobRecord
):
    model_id = trained.result["model_id"]
    with context.zoo.transaction() as session:
        matching, _ = candidates_of(session, PROJECT, None)
        named, unranked = candidates_of(session, PROJECT, Candidates(model_ids=(model_id,)))

    assert model_id not in [model.id for model in matching]
    assert named == []
    assert [(entry["model_id"], entry["code"]) for entry in unranked] == [
        (model_id, "model_reads_clips")
    ]


def test_the_weights_can_be_downloaded(context: WorkerContext, trained: JobRecord):
    model = reader_of(context.zoo, trained)

    assert models.content_digest(model, context.zoo.blobs) == model.upload_sha256


@pytest.mark.parametrize(
    ("inputs", "params", "code", "pointer"),
    [
        ({"dataset_id": "dst_1"}, {"batch_size": 16}, "too_few_clips", "/params/batch_size"),
        (
            {"dataset_id": "dst_1", "eval_dataset_id": "dst_2"},
            {},
            "dataset_has_images",
            "/inputs/eval_dataset_id",
        ),
    ],
)
def test_a_training_without_enough_fitting_clips_is_refused_when_it_is_submitted(
    context: WorkerContext,
    trained: JobRecord,
    inputs: dict[str, object],
    params: dict[str, object],
    code: str,
    pointer: str,
):
    with pytest.raises(InvalidRequestError) as refused:
        submitted(context.zoo, "speech_recognizer", inputs, **QUICK | params)

    assert refused.value.code == code
    assert refused.value.errors[0].pointer == pointer
