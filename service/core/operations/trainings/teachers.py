"""Networks of the zoo as teachers: what their outputs stand for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.core.counts import counted
from service.core.errors import InvalidRequestError
from service.core.manifest import TaskKind
from service.core.tables import ModelRecord


@dataclass(frozen=True)
class TransferObstacle:
    """Why no layer of a network can be built on: a stable code, an explanation, what to do."""

    code: str
    detail: str
    remedy: str


_CLASSIFYING = frozenset({TaskKind.CLASSIFICATION, TaskKind.MULTI_LABEL})
# The kind of output that a teacher of each task has.
OUTPUT_KINDS: Mapping[TaskKind, str] = {
    TaskKind.CLASSIFICATION: "vector",
    TaskKind.MULTI_LABEL: "vector",
    TaskKind.SEGMENTATION: "map",
}


def classes_of(model: ModelRecord) -> list[str] | None:
    """The labels of the network's outputs; None if its manifest names none."""
    classes: Any = model.manifest.get("classes")
    return None if classes is None else list(classes)


def why_not_transferable(model: ModelRecord) -> TransferObstacle | None:
    """Why no layer of the network can be probed or fine-tuned; None if its layers can."""
    if model.fixed_batch is None:
        return None
    return TransferObstacle(
        code="fixed_batch_size",
        detail=f"{model.id} takes exactly {counted(model.fixed_batch, 'image')} at once",
        remedy="export it with a free batch axis; `zooscope pack` does where it can",
    )


def task_of(model: ModelRecord) -> TaskKind:
    """The kind of task that the network teaches.

    A network of any other task that names classes and has a vector output is a classifier.

    Raises:
        InvalidRequestError: ``unsupported_teacher_task``: no student can learn its kind of output.
    """
    kind = TaskKind(model.task_kind)
    if kind not in OUTPUT_KINDS and model.manifest.get("classes") is not None:
        kind = TaskKind.CLASSIFICATION
    if OUTPUT_KINDS.get(kind) != model.output_kind:
        raise InvalidRequestError(
            f"{model.id} has the task {model.task_kind} and the output kind {model.output_kind}",
            code="unsupported_teacher_task",
            remedy="choose teachers for classification, multi_label or segmentation",
        )
    return kind


def why_no_units(model: ModelRecord) -> TransferObstacle | None:
    """Why the outputs of a network are not one score per class; None if they are."""
    has_classes = model.task_kind in _CLASSIFYING or model.manifest.get("classes") is not None
    if model.is_few_shot_learner or not has_classes or model.output_kind != "vector":
        return TransferObstacle(
            code="no_output_units",
            detail=f"{model.id} has the task {model.task_kind} and the output kind"
            f" {model.output_kind}, not one score per class",
            remedy="search among networks for classification or multi_label",
        )
    return why_not_transferable(model)
