"""The contract between a method package and its caller."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Report(Protocol):
    """Reports the progress of a method to its caller; may raise to stop it."""

    def __call__(self, step: int, total: int, message: str = "") -> None:
        """``step`` of ``total`` is done."""
        ...


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a training needs to resume without a trace of the interruption.

    Attributes:
        tensors: Networks, optimizers and random states, by name.
        facts: The rest, as JSON values.
    """

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


class TrainingReport(Report, Protocol):
    """A report that also takes checkpoints, numbers and pictures while a method runs."""

    def resumed(self) -> Checkpoint | None:
        """The last checkpoint of an interrupted attempt; None at the first attempt."""
        ...

    def keep(self, checkpoint: Checkpoint) -> None:
        """Store the checkpoint so that it survives this process."""
        ...

    def leave_if_asked(self, checkpoint: Callable[[], Checkpoint]) -> None:
        """If the process was asked to stop, store the checkpoint and end the process."""
        ...

    def measured(
        self, step: int, numbers: Mapping[str, float], pictures: Mapping[str, bytes]
    ) -> None:
        """Publish named numbers after ``step``, and PNG files by artifact name."""
        ...


@runtime_checkable
class MethodPackage(Protocol):
    """A module under ``workers.methods``.

    ``run(inputs, params, report)`` takes a frozen dataclass of tensors and programs, the params of
    the method's spec and a ``Report``, and returns a frozen dataclass.
    """

    run: Callable[..., Any]


def silent(step: int, total: int, message: str = "") -> None:
    """A report that ignores everything."""


@dataclass
class RecordingReporter:
    """A training report outside of a worker: it records everything in memory.

    Attributes:
        start: The checkpoint to resume from.
        checkpoints: In order.
        measurements: Steps and numbers, in order.
        pictures: The latest of every name.
    """

    start: Checkpoint | None = None
    checkpoints: list[Checkpoint] = field(default_factory=list)
    measurements: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)

    def __call__(self, step: int, total: int, message: str = "") -> None:
        """Ignores the progress."""

    def resumed(self) -> Checkpoint | None:
        """The checkpoint to resume from."""
        return self.start

    def keep(self, checkpoint: Checkpoint) -> None:
        """Records a copy, because the training overwrites the tensors."""
        tensors = {name: tensor.detach().clone() for name, tensor in checkpoint.tensors.items()}
        self.checkpoints.append(Checkpoint(tensors, dict(checkpoint.facts)))

    def leave_if_asked(self, checkpoint: Callable[[], Checkpoint]) -> None:
        """Does nothing: there is no process to end."""

    def measured(
        self, step: int, numbers: Mapping[str, float], pictures: Mapping[str, bytes]
    ) -> None:
        """Records numbers and pictures."""
        self.measurements.append((step, dict(numbers)))
        self.pictures.update(pictures)
