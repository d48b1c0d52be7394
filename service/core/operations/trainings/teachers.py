"""Networks of the zoo as teachers: what their outputs stand for."""

from collections.abc import Mapping
from typing import Any

from service.core.errors import InvalidRequestError
from service.core.manifest import TaskKind
from service.core.tables import ModelRecord

# What a teacher answers with, by the kind of its task.
ANSWERS: Mapping[TaskKind, str] = {
    TaskKind.CLASSIFICATION: "vector",
    TaskKind.MULTI_LABEL: "vector",
    TaskKind.SEGMENTATION: "map",
}


def classes_of(model: ModelRecord) -> list[str] | None:
    """The labels of the network's outputs; None where nobody told, and a loader makes them up."""
    told: Any = model.manifest.get("classes")
    return None if told is None else list(told)


def task_of(model: ModelRecord) -> TaskKind:
    """The kind of task that the network teaches.

    A network with named classes and a vector of answers that says nothing else is a classifier.

    Raises:
        InvalidRequestError: ``unsupported_teacher_task``: it answers in no form that can be taught.
    """
    kind = TaskKind(model.task_kind)
    if kind not in ANSWERS and model.manifest.get("classes") is not None:
        kind = TaskKind.CLASSIFICATION
    if ANSWERS.get(kind) != model.output_kind:
        raise InvalidRequestError(
            f"{model.id} is a network for {model.task_kind} whose answer is {model.output_kind}",
            code="unsupported_teacher_task",
            remedy="choose teachers for classification, multi_label or segmentation",
        )
    return kind
