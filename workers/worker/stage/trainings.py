"""What training jobs need: teachers, images to learn from, images that evaluate."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog.training import source_ids
from service.core.errors import ConflictError, NotFoundError
from service.core.operations.trainings.teachers import classes_of, task_of
from service.core.operations.zoo import datasets
from service.core.tables import DatasetRecord, DatasetState, JobRecord, ModelRecord, ModelState
from workers.isolation.training_files import DATASET, EVAL_DATASET, START, TEACHER
from workers.worker.stage.rows import StagedInputs

_LONGEST_NAME = 200
_LONGEST_PREFIX = 180


def training_stage(session: Session, job: JobRecord) -> StagedInputs:
    """Everything that the job's inputs name; a data-free training gets no image to learn from.

    Raises:
        NotFoundError: Something is gone.
        ConflictError: Something is not ready, or a set is too large for canonical frames.
    """
    teachers = [_model(session, model_id) for model_id in source_ids(job.inputs)]
    files = {TEACHER.format(index): _program(model) for index, model in enumerate(teachers)}
    facts: dict[str, Any] = {
        "name": job.params["name"] or _name_for(job, teachers),
        "teachers": [_facts_of(model, teachers) for model in teachers],
    }
    for role, file in (("dataset", DATASET), ("eval_dataset", EVAL_DATASET)):
        identity = job.inputs[f"{role}_id"]
        facts[role] = None
        if identity is not None:
            facts[role], files[file] = _images(session, identity)
    start = (job.params.get("student") or {}).get("init")
    facts["start"] = start is not None
    if start is not None:
        files[START] = _program(_model(session, start))
    return StagedInputs(facts, files)


def _name_for(job: JobRecord, teachers: list[ModelRecord]) -> str:
    """A name that names the student's teachers and its method."""
    names = ", ".join(model.name for model in teachers)
    return f"{names} by {job.method}"[:_LONGEST_NAME]


def _facts_of(model: ModelRecord, teachers: list[ModelRecord]) -> dict[str, Any]:
    """What a teacher is; unnamed outputs get its name, or its id if another teacher shares the name."""
    alone = len({other.id for other in teachers if other.name == model.name}) == 1
    return {
        "id": model.id,
        "name": model.name,
        "input": model.manifest["input"],
        "task": task_of(model),
        "classes": classes_of(model),
        "outputs_called": model.name[:_LONGEST_PREFIX] if alone else model.id,
        "feature_layer": model.feature_layer,
    }


def _images(session: Session, identity: str) -> tuple[Mapping[str, Any], str]:
    """Labels by index, their names, and the canonical frames."""
    dataset = session.get(DatasetRecord, identity)
    if dataset is None:
        raise NotFoundError(f"{identity} is gone", code="input_deleted")
    if dataset.state != DatasetState.READY:
        raise ConflictError(f"{identity} is {dataset.state}", code="dataset_not_ready")
    if dataset.canonical_sha256 is None:
        raise ConflictError(
            f"{identity} has too many images to learn from",
            code="dataset_too_large",
            remedy="upload a sample of it as a dataset of its own",
        )
    labels = datasets.labels_of(session, dataset=dataset)
    facts = {
        "id": dataset.id,
        "name": dataset.name,
        "label_names": dataset.labels or [],
        "labels": [-1 if label is None else label for label in labels],
    }
    return facts, dataset.canonical_sha256


def _model(session: Session, identity: str) -> ModelRecord:
    model = session.get(ModelRecord, identity)
    if model is None:
        raise NotFoundError(f"{identity} is gone", code="input_deleted")
    if model.state != ModelState.READY:
        raise ConflictError(f"{identity} is {model.state}", code="model_not_ready")
    return model


def _program(model: ModelRecord) -> str:
    if model.program_sha256 is None:
        raise NotFoundError(f"{model.id} was never stored", code="blob_not_found")
    return model.program_sha256
