"""A few-shot training as a real job: staged, trained on base classes alone, saved and recorded."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from service.container import Zoo
from service.core.errors import InvalidRequestError
from service.core.operations import owned_rows
from service.core.operations.jobs import jobs
from service.core.tables import DatasetRecord, JobRecord, ModelRecord
from tests.workers import test_every_method_end_to_end as every_method
from tests.workers import test_label_rankings_end_to_end as label_rankings
from tests.workers.test_every_method_end_to_end import PROJECT, SIDE
from workers.child.load.trainings import training_inputs
from workers.isolation.fork_client import ForkServerClient
from workers.isolation.workdir import Scratch
from workers.torchkit.training.task import ImageInputs
from workers.worker.run_job import WorkerContext, run_next
from workers.worker.stage.inputs import stage

CLASSES, IMAGES = "abcdefghi", 8
QUICK: Mapping[str, object] = {
    "budget": {"steps": 4},
    "batch_size": 30,
    "num_evaluations": 1,
    "novel_classes": ["c", "f"],
}


@pytest.fixture
def context(zoo: Zoo, fork_server: ForkServerClient, tmp_path: Path) -> WorkerContext:
    """A zoo with a network and a dataset of nine classes, both ready."""
    context = WorkerContext(zoo, fork_server, lambda: False)
    every_method.add_dataset(zoo, colored_images())
    every_method.add_model(zoo, every_method.network(tmp_path, 0), model_id="mdl_0")
    for method, inputs in (
        ("dataset_ingestion", {"dataset_id": "dst_1"}),
        ("model_validation", {"model_id": "mdl_0"}),
    ):
        label_rankings._submit(zoo, method, inputs)
        assert run_next(context)
    return context


def colored_images() -> bytes:
    """A zip of noise in the color of each class, one folder per class."""
    numbers = np.random.default_rng(0)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for label in CLASSES:
            color = numbers.integers(40, 200, 3)
            for index in range(IMAGES):
                noise = numbers.integers(-40, 40, (SIDE, SIDE, 3))
                file = io.BytesIO()
                Image.fromarray((color + noise).astype(np.uint8)).save(file, "PNG")
                archive.writestr(f"{label}/{index}.png", file.getvalue())
    return buffer.getvalue()


def submitted(zoo: Zoo, **params: object) -> JobRecord:
    with zoo.transaction() as session:
        return jobs.submit(
            session,
            project=PROJECT,
            method="class_regularization",
            inputs={"source_model_id": "mdl_0", "dataset_id": "dst_1"},
            params={**QUICK, **params},
        )


def staged_inputs(zoo: Zoo, job: JobRecord, folder: Path) -> ImageInputs:
    """What the method would read for the job."""
    scratch = Scratch(folder)
    stage(zoo, job, scratch)
    request = json.loads(scratch.request.read_text())
    inputs = training_inputs(request, scratch, torch.device("cpu"))
    assert isinstance(inputs, ImageInputs)
    return inputs


def test_a_learner_is_a_model_with_lineage_report_and_episodes(context: WorkerContext) -> None:
    job_id = submitted(context.zoo).id

    assert run_next(context)

    with context.zoo.transaction() as session:
        job = owned_rows.get(session, JobRecord, project=PROJECT, id=job_id)
        assert job.state == "succeeded", job.error
        model = session.get_one(ModelRecord, job.result["model_id"])
        names = [file.name for file in jobs.artifacts(session, project=PROJECT, job_id=job_id)]
    assert (model.state, model.task_kind) == ("ready", "embedding")
    assert model.output_shape == [2 * model.manifest["few_shot"]["units"]]
    assert model.lineage["source_model_id"] == "mdl_0"
    assert names == ["curve.png", "episodes.json", "meta-shift.png", "report.json", "report.md"]
    assert 0 <= job.result["accuracy_2w1s"] <= 1


def test_novel_classes_are_fixed_before_and_never_among_the_training_images(
    context: WorkerContext, tmp_path: Path
) -> None:
    inputs = staged_inputs(context.zoo, submitted(context.zoo), tmp_path / "scratch")

    assert inputs.labels is not None
    novel = inputs.evaluation_set
    assert novel is not None
    trained = {CLASSES[label] for label in inputs.labels.tolist()}
    assert trained == set(CLASSES) - {"c", "f"}
    assert novel.truth is not None
    assert {CLASSES[label] for label in novel.truth.tolist()} == {"c", "f"}
    digests = {frame.numpy().tobytes() for frame in inputs.images}
    assert not digests & {frame.numpy().tobytes() for frame in novel.images}


def test_without_a_list_the_seed_draws_whole_classes(
    context: WorkerContext, tmp_path: Path
) -> None:
    def novel(seed: int) -> set[int]:
        job = submitted(context.zoo, novel_classes=None, seed=seed)
        inputs = staged_inputs(context.zoo, job, tmp_path / f"{job.id}")
        assert inputs.labels is not None
        assert inputs.evaluation_set is not None
        assert inputs.evaluation_set.truth is not None
        drawn = set(inputs.evaluation_set.truth.tolist())
        assert not drawn & set(inputs.labels.tolist())
        return drawn

    assert novel(0) == novel(0)
    assert len(novel(0)) == 2
    assert len({frozenset(novel(seed)) for seed in range(4)}) > 1


def test_a_learner_with_its_support_becomes_an_ordinary_classifier(context: WorkerContext) -> None:
    learner_job = submitted(context.zoo).id
    assert run_next(context)
    with context.zoo.transaction() as session:
        learner = session.get_one(JobRecord, learner_job).result["model_id"]
        job = jobs.submit(
            session,
            project=PROJECT,
            method="few_shot_adaptation",
            inputs={"source_model_id": learner, "dataset_id": "dst_1"},
            params={"classes": ["f", "c"], "shots": 3, "seed": 1},
        )

    assert run_next(context)

    with context.zoo.transaction() as session:
        done = session.get_one(JobRecord, job.id)
        assert done.state == "succeeded", done.error
        model = session.get_one(ModelRecord, done.result["model_id"])
        sha256 = session.get_one(DatasetRecord, "dst_1").manifest_sha256
    assert (model.state, model.task_kind) == ("ready", "classification")
    assert (model.manifest["classes"], model.output_shape) == (["f", "c"], [2])
    assert (model.lineage["source_model_id"], model.lineage["dataset_sha256"]) == (learner, sha256)
    assert done.result["distinct"] == [3, 3]


def test_only_a_learner_is_adapted_and_only_to_labels_of_the_dataset(
    context: WorkerContext,
) -> None:
    def refused(source: str, **params: object) -> str:
        with (
            context.zoo.transaction() as session,
            pytest.raises(InvalidRequestError) as caught,
        ):
            jobs.submit(
                session,
                project=PROJECT,
                method="few_shot_adaptation",
                inputs={"source_model_id": source, "dataset_id": "dst_1"},
                params=params,
            )
        return caught.value.code

    with context.zoo.transaction() as session:
        model = session.get_one(ModelRecord, "mdl_0")
        head = {"units": 2, "prior": 1.0, "scale": 1.0, "outside_distance": 1.0}
        assert refused("mdl_0") == "not_a_learner"
        model.manifest = {**model.manifest, "few_shot": head}
    assert refused("mdl_0", classes=["nothing"]) == "unknown_labels"
