"""Networks of the zoo as teachers: what their outputs stand for."""

from collections.abc import Mapping
from typing import Any

from service.core.errors import InvalidRequestError
from service.core.manifest import TaskKind
from service.core.tables import ModelRecord

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
