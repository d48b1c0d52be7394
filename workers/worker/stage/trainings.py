"""What training jobs need: teachers, images to learn from, images that evaluate."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog import method_named
from service.core.catalog.training import reads_layers_only, source_ids
from service.core.errors import NotFoundError
from service.core.manifest import TaskKind
from service.core.operations import dataset_labels
from service.core.operations.trainings.teachers import classes_of, task_of
from service.core.results import ResultScope
from service.core.tables import DatasetRecord, JobRecord, LabelKind, ModelRecord
from workers.isolation.training_files import (
    DATASET,
    EVAL_DATASET,
    EVAL_MASKS,
    MASKS,
    START,
    STYLE_DATASET,
    TEACHER,
)
from workers.worker.stage.rows import (
    StagedInputs,
    model_facts,
    ready_dataset,
    ready_model,
    required_file,
)

_LONGEST_NAME = 200
_LONGEST_PREFIX = 180


def training_stage(session: Session, job: JobRecord) -> StagedInputs:
    """Everything that the job's inputs name; a data-free training gets no image to learn from.

    Raises:
        NotFoundError: Something is gone.
        ConflictError: Something is not ready, or a set is too large for canonical frames.
    """
    teachers = [ready_model(session, job, model_id) for model_id in source_ids(job.inputs)]
    files = {TEACHER.format(index): _program(model) for index, model in enumerate(teachers)}
    facts: dict[str, Any] = {
        "name": job.params["name"] or _name_for(job, teachers),
        "teachers": [_facts_of(model, teachers, _task(job, model)) for model in teachers],
    }
    roles = (("dataset", DATASET, MASKS), ("eval_dataset", EVAL_DATASET, EVAL_MASKS))
    for role, file, masks_file in roles:
        identity = job.inputs[f"{role}_id"]
        facts[role] = None
        if identity is not None:
            dataset = _dataset_of(session, job, identity)
            facts[role] = _label_facts(session, dataset)
            files[file] = required_file(dataset.canonical_sha256, "the canonical frames")
            if dataset.masks_sha256 is not None:
                files[masks_file] = dataset.masks_sha256
    if "style_dataset_id" in job.inputs:
        styles = _dataset_of(session, job, job.inputs["style_dataset_id"])
        files[STYLE_DATASET] = required_file(styles.canonical_sha256, "the canonical frames")
    start = (job.params.get("student") or {}).get("init")
    facts["start"] = start is not None
    facts["recipe"] = _recipe_facts(job, facts)
    if start is not None:
        files[START] = _program(ready_model(session, job, start))
    return StagedInputs(facts, files, ResultScope(params=method_named(job.method).params))


def _recipe_facts(job: JobRecord, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What the report needs, besides the parameters, to repeat the run."""
    named = {
        role: "none" if facts[role] is None else {key: facts[role][key] for key in ("id", "name")}
        for role in ("dataset", "eval_dataset")
    }
    teachers = [
        {key: teacher[key] for key in ("id", "name", "fingerprint")}
        for teacher in facts["teachers"]
    ]
    return {
        "method": job.method,
        "method_version": job.method_version,
        "inputs": dict(job.inputs),
        "teachers": teachers,
        **named,
    }


def _name_for(job: JobRecord, teachers: list[ModelRecord]) -> str:
    """A name that names the student's teachers and its method."""
    names = ", ".join(model.name for model in teachers)
    return f"{names} by {job.method}"[:_LONGEST_NAME]


def _task(job: JobRecord, model: ModelRecord) -> TaskKind:
    """The task that a teacher teaches; that of a network which only gives its layers may be any."""
    return TaskKind(model.task_kind) if reads_layers_only(job.inputs) else task_of(model)


def _facts_of(model: ModelRecord, teachers: list[ModelRecord], task: TaskKind) -> dict[str, Any]:
    """What a teacher is; unnamed outputs get its name, or its id if another teacher shares the name."""
    alone = len({other.id for other in teachers if other.name == model.name}) == 1
    return {
        **model_facts(model),
        "fingerprint": model.fingerprint,
        "task": task,
        "classes": classes_of(model),
        "outputs_called": model.name[:_LONGEST_PREFIX] if alone else model.id,
    }


def _dataset_of(session: Session, job: JobRecord, dataset_id: str) -> DatasetRecord:
    """The dataset, which has canonical frames."""
    return dataset_labels.require_frames(ready_dataset(session, job, dataset_id))


def _label_facts(session: Session, dataset: DatasetRecord) -> Mapping[str, Any]:
    """Labels by index, their names, and whether masks lie beside the canonical frames."""
    return {
        "id": dataset.id,
        "name": dataset.name,
        "label_names": dataset.labels or [],
        "labels": _label_indices(session, dataset),
        "masks": dataset.masks_sha256 is not None,
    }


def _label_indices(session: Session, dataset: DatasetRecord) -> list[int] | list[list[int]]:
    """The index of every image's label, -1 for none; a list of them where images have several."""
    if dataset.label_kind == LabelKind.MULTIPLE:
        return dataset_labels.label_lists_of(session, dataset=dataset)
    labels = dataset_labels.labels_of(session, dataset=dataset)
    return [-1 if label is None else label for label in labels]


def _program(model: ModelRecord) -> str:
    if model.program_sha256 is None:
        raise NotFoundError(f"{model.id} was never stored", code="blob_not_found")
    return model.program_sha256
