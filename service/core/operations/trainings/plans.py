"""A training before it is queued: what is asked of it, with the rows that the request names."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from service.core.errors import FieldProblem, InvalidRequestError, ZooError
from service.core.operations.trainings.teachers import classes_of
from service.core.tables import DatasetRecord, ModelRecord

_NAMED_AT_MOST = 10
Given = Mapping[str, Any]


@dataclass(frozen=True)
class TrainingPlan:
    """A training that is asked for.

    Attributes:
        dataset: What it learns from; None for a training without images.
        eval_dataset: What judges it, where that is not a share of ``dataset``.
        start: The network whose weights the student starts from.
    """

    method: str
    params: Given
    teachers: Sequence[ModelRecord]
    dataset: DatasetRecord | None
    eval_dataset: DatasetRecord | None
    start: ModelRecord | None

    @property
    def known(self) -> list[str] | None:
        """All labels of the teachers, each once; None where one of them never told its own."""
        told = [classes_of(one) for one in self.teachers]
        if any(one is None for one in told):
            return None
        return list(dict.fromkeys(name for one in told for name in one or ()))

    @property
    def wanted(self) -> list[str] | None:
        """The student's labels; None where they are not known yet."""
        labels = self.params["student"]["labels"]
        return self.known if labels is None else list(labels)


def invalid_value(pointer: str, detail: str, *, code: str, remedy: str) -> InvalidRequestError:
    """What is wrong at one place of the request."""
    return InvalidRequestError(
        detail, code=code, remedy=remedy, errors=[FieldProblem(pointer, detail)]
    )


@contextmanager
def about(pointer: str) -> Iterator[None]:
    """Errors from inside that point nowhere point there."""
    try:
        yield
    except ZooError as error:
        error.errors = error.errors or (FieldProblem(pointer, error.detail),)
        raise


def some(names: Sequence[str]) -> str:
    """The first of these names, and how many more there are."""
    shown = ", ".join(names[:_NAMED_AT_MOST])
    more = len(names) - _NAMED_AT_MOST
    return f"{shown} and {more} more" if more > 0 else shown
