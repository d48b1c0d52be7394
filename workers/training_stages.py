"""What training jobs need, laid out: one network of the zoo and a set of images."""

from typing import Any

from sqlalchemy.orm import Session

from service.core.operations import datasets
from service.core.operations.training_checks import labels_in
from service.core.records import DatasetRecord, JobRecord, ModelRecord


def distillation_facts(
    session: Session, job: JobRecord, teacher: ModelRecord, dataset: DatasetRecord
) -> dict[str, Any]:
    """The teacher's labels, and each image's place among them; -1 where it has none."""
    classes = teacher.manifest.get("classes")
    place = labels_in(classes or [], dataset.labels or [])
    labels = datasets.labels_of(session, dataset=dataset)
    return {
        "name": job.params["name"] or f"student of {teacher.name}"[:200],
        "layer": job.params["teacher_layer"] or teacher.feature_layer or "output",
        "classes": classes,
        "labels": [-1 if label is None else place[label] for label in labels],
    }


def transfer_facts(
    session: Session, job: JobRecord, source: ModelRecord, dataset: DatasetRecord
) -> dict[str, Any]:
    """The layer to cut at, and the labels to learn."""
    labels = datasets.labels_of(session, dataset=dataset)
    return {
        "name": job.params["name"] or f"{source.name} on {dataset.name}"[:200],
        "layer": job.params["layer"] or source.feature_layer or "output",
        "classes": dataset.labels or [],
        "labels": [-1 if label is None else label for label in labels],
    }
