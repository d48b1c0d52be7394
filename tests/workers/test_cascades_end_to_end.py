"""A job trains a cascade on uploaded clips, a second shares its first stage, and both can be repeated."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.container import Zoo
from service.core.errors import InvalidRequestError
from service.core.operations.jobs import jobs
from service.core.operations.lineages.lineages import LineageRequest, lineage
from service.core.tables import JobRecord
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
    weights_of,
    worker_with_clips,
)
from tests.workers.test_every_method_end_to_end import PROJECT
from workers.isolation.fork_client import ForkServerClient
from workers.methods.cascade_seq2seq.stored_cascades import (
    restored_cascade,
    restored_first_stage,
)
from workers.torchkit.speech.stored_readers import StoredReader
from workers.worker.run_job import WorkerContext, run_next

SHARES = ("first_share", "tone_share", "character_share", "joint_share")
SMALL: dict[str, Any] = QUICK | dict.fromkeys(SHARES, 1.0) | {"components": 4}


@pytest.fixture(scope="module")
def context(shared_zoo: Zoo, fork_server: ForkServerClient) -> WorkerContext:
    """A worker of a zoo with twelve clips of six sentences."""
    return worker_with_clips(shared_zoo, fork_server)


def cascade(zoo: Zoo, first_stage: str | None = None, **params: object) -> str:
    inputs = {"dataset_id": "dst_1", "first_stage": first_stage}
    return submitted(zoo, "cascade_seq2seq", inputs, **SMALL | params)


def finished(context: WorkerContext, job_id: str) -> JobRecord:
    assert run_next(context)
    job = job_of(context.zoo, job_id)
    assert job.state == "succeeded", job.error
    return job


@pytest.fixture(scope="module")
def trained(context: WorkerContext) -> JobRecord:
    """A finished job of three stages."""
    return finished(context, cascade(context.zoo))


@pytest.fixture(scope="module")
def sharing(context: WorkerContext, trained: JobRecord) -> JobRecord:
    """A finished job of two stages that shares the first stage."""
    stages = ["pinyin", "character"]
    first = trained.result["model_id"]
    return finished(context, cascade(context.zoo, first, stages=stages))


def report_of(zoo: Zoo, job: JobRecord, folder: Path) -> tuple[dict[str, Any], str]:
    """The report for programs, and that for people."""
    with zoo.transaction() as session:
        files = jobs.artifacts(session, project=PROJECT, job_id=job.id)
    for file in files:
        zoo.blobs.fetch(file.sha256, folder / file.name)
    return json.loads((folder / "report.json").read_text()), (folder / "report.md").read_text()


def test_a_training_leaves_a_cascade_that_loads_without_code(
    context: WorkerContext, trained: JobRecord, tmp_path: Path
):
    model = reader_of(context.zoo, trained)
    tensors = weights_of(context.zoo, trained.id, tmp_path)

    reader = restored_cascade(StoredReader(tensors, model.manifest["reader"]))

    assert [*reader.network.stages] == ["pinyin", "tone", "character"]
    assert set(reader.vocabularies[reader.network.stages[-1]].tokens) <= set("".join(SENTENCES))
    assert sum(weight.numel() for weight in reader.network.parameters()) == model.parameters
    view = ModelView.of(model).reader
    assert view is not None
    assert (view.modality, view.stages) == ("video", ["pinyin", "tone", "character"])


def test_the_model_says_which_library_read_the_pinyin(context: WorkerContext, trained: JobRecord):
    head = reader_of(context.zoo, trained).manifest["reader"]

    assert head["kind"] == "cascade"
    assert "pypinyin" in head["pinyin_from"]


def test_the_report_has_every_stage_and_both_oracle_rows_with_intervals(
    context: WorkerContext, trained: JobRecord, tmp_path: Path
):
    report, text = report_of(context.zoo, trained, tmp_path)

    rows = ("pinyin", "tone", "character", "character_given_pinyin")
    for row in (*rows, "character_given_pinyin_and_tone"):
        name = f"held_out_{row}_error"
        assert (
            report["quality"][f"{name}_low"]
            <= report["quality"][name]
            <= report["quality"][f"{name}_high"]
        )
        assert name.replace("_", " ") in text
    assert (report["trained_on"], report["held_out"]) == (10, 2)
    assert "pypinyin" in report["details"]["pinyin_from"]
    assert trained.result["params"] == report["params"]


def test_a_cascade_shares_the_first_stage_of_another(
    context: WorkerContext, trained: JobRecord, sharing: JobRecord, tmp_path: Path
):
    models = [reader_of(context.zoo, job) for job in (trained, sharing)]

    first, shared = (
        restored_first_stage(
            StoredReader(weights_of(context.zoo, job.id, tmp_path), model.manifest["reader"])
        )
        for job, model in zip((trained, sharing), models, strict=True)
    )

    assert_same(dict(shared.weights), dict(first.weights))
    report, text = report_of(context.zoo, sharing, tmp_path)
    assert report["details"]["shared_first_stage"] is True
    assert models[0].id in text
    assert models[1].lineage is not None
    assert models[1].lineage["source_model_id"] == models[0].id


def test_a_first_stage_that_learned_other_clips_is_a_warning(
    context: WorkerContext, trained: JobRecord, sharing: JobRecord
):
    stages = ["pinyin", "character"]
    shared = cascade(context.zoo, sharing.result["model_id"], stages=stages)
    other = cascade(context.zoo, trained.result["model_id"], stages=stages, seed=1)

    codes = [
        {warning["code"] for warning in finished(context, job).result.get("warnings", ())}
        for job in (shared, other)
    ]

    assert "first_stage_split" not in codes[0]
    assert "first_stage_split" in codes[1]


def test_the_lineage_leads_from_the_first_stage_to_who_shares_it(
    context: WorkerContext, trained: JobRecord, sharing: JobRecord
):
    first, second = (job.result["model_id"] for job in (trained, sharing))

    with context.zoo.transaction() as session:
        graph = lineage(session, project=PROJECT, model_id=first, request=LineageRequest())

    edges = {(edge.source, edge.target): edge.role for edge in graph.edges}
    assert edges[first, sharing.id] == "source"
    assert edges[sharing.id, second] == "student"


def test_a_run_is_repeated_from_its_report_alone(
    context: WorkerContext, sharing: JobRecord, tmp_path: Path
):
    again = submitted(
        context.zoo, sharing.method, dict(sharing.inputs), **sharing.result["params"]
    )
    assert run_next(context)

    assert_same(
        weights_of(context.zoo, again, tmp_path), weights_of(context.zoo, sharing.id, tmp_path)
    )


def test_a_killed_child_resumes_from_its_checkpoint_to_the_same_weights(
    context: WorkerContext, tmp_path: Path
):
    zoo, long = context.zoo, {"budget": {"steps": 60}, "checkpoint_interval_seconds": 0.0}
    whole = cascade(zoo, **long)
    assert run_next(context)

    cut = killed_after_a_checkpoint(context, lambda: cascade(zoo, **long))

    eventually(lambda: run_next(context))
    assert job_of(zoo, cut).attempts == 2
    assert_same(weights_of(zoo, cut, tmp_path), weights_of(zoo, whole, tmp_path))


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"stages": ["character"]}, "other_first_stage"),
        ({"width": 16}, "other_first_stage"),
        ({"components": 6}, "other_first_stage"),
    ],
)
def test_a_first_stage_that_does_not_fit_is_refused_when_it_is_submitted(
    context: WorkerContext, trained: JobRecord, params: dict[str, object], code: str
):
    with pytest.raises(InvalidRequestError) as refused:
        cascade(context.zoo, trained.result["model_id"], **params)

    assert refused.value.code == code
    assert refused.value.errors[0].pointer == "/inputs/first_stage"
