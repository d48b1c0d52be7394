"""Rows of the job's project as staging needs them: present, ready, with their files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from service.core.errors import ConflictError, NotFoundError
from service.core.operations import dataset_labels, owned_rows
from service.core.operations.owned_rows import require_undamaged
from service.core.results import ResultScope
from service.core.tables import (
    DatasetRecord,
    DatasetState,
    GraphRecord,
    JobRecord,
    ModelRecord,
    ModelState,
)
from service.core.tables.base import Owned

Row = TypeVar("Row", bound=Owned)


@dataclass(frozen=True)
class StagedInputs:
    """What a job's process gets.

    Attributes:
        facts: JSON values for the loader.
        files: Digests of files by the name they get in ``in``.
        contents: Bytes of files that the store does not have, by the same names.
        scope: What the result may name.
    """

    facts: dict[str, Any]
    files: dict[str, str] = field(default_factory=dict)
    scope: ResultScope = field(default_factory=ResultScope)
    contents: dict[str, bytes] = field(default_factory=dict)


def row_of(session: Session, job: JobRecord, kind: type[Row], identity: str) -> Row:
    """A row of the job's project by id, or NotFoundError."""
    row = owned_rows.find(session, kind, project=job.project, id=identity)
    if row is None:
        raise NotFoundError(f"{identity} is gone", code="input_deleted")
    return row


def ready_model(session: Session, job: JobRecord, model_id: str) -> ModelRecord:
    """A network of the job's project that is ready."""
    model = row_of(session, job, ModelRecord, model_id)
    require_undamaged(model)
    if model.state != ModelState.READY:
        raise ConflictError(f"{model.id} is {model.state}", code="model_not_ready")
    return model


def ready_model_of(session: Session, job: JobRecord) -> ModelRecord:
    """The network that the job names, which is ready."""
    return ready_model(session, job, job.inputs["model_id"])


def ready_dataset_of(session: Session, job: JobRecord) -> DatasetRecord:
    """The dataset that the job names, which is ready."""
    return ready_dataset(session, job, job.inputs["dataset_id"])


def ready_dataset(session: Session, job: JobRecord, dataset_id: str) -> DatasetRecord:
    """A dataset of the job's project that is ready."""
    dataset = row_of(session, job, DatasetRecord, dataset_id)
    require_undamaged(dataset)
    if dataset.state != DatasetState.READY:
        raise ConflictError(f"{dataset.id} is {dataset.state}", code="dataset_not_ready")
    return dataset


def required_file(sha256: str | None, what: str) -> str:
    """The digest, or NotFoundError."""
    if sha256 is None:
        raise NotFoundError(f"{what} was never stored", code="blob_not_found")
    return sha256


def program_file(model: ModelRecord) -> dict[str, str]:
    """The network's program by the name it gets."""
    return {"program.pt2": required_file(model.program_sha256, "the program")}


def canonical_file(dataset: DatasetRecord) -> dict[str, str]:
    """The canonical frames, which only sets small enough to be probe sets have."""
    frames = dataset_labels.require_frames(dataset).canonical_sha256
    return {"canonical.npy": required_file(frames, "the canonical frames")}


def graph_files(measured: Sequence[GraphRecord]) -> dict[str, str]:
    """Graph files by the id of their record."""
    return {graph.id: required_file(graph.sha256, "a graph's file") for graph in measured}


def model_facts(model: ModelRecord) -> dict[str, Any]:
    """What loading a program needs besides the file."""
    return {
        "id": model.id,
        "name": model.name,
        "input": model.manifest["input"],
        "feature_layer": model.feature_layer,
        "task": model.task_kind,
        "output": model.output,
        "output_scale": model.output_scale,
    }


def label_facts(session: Session, dataset: DatasetRecord) -> dict[str, Any]:
    """Class names, and the index of every image's class among them; -1 where it has none."""
    labels = dataset_labels.labels_of(session, dataset=dataset)
    return {
        "classes": dataset.labels or [],
        "labels": [-1 if label is None else label for label in labels],
    }
