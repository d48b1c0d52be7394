"""What a room owes its caller, and what it may expect of him."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Report(Protocol):
    """Tells the caller how far a room has come; raises when the job was cancelled."""

    def __call__(self, step: int, total: int, message: str = "") -> None:
        """``step`` of ``total`` is done."""
        ...


@dataclass(frozen=True)
class Checkpoint:
    """All that a training needs to go on as if nothing had happened.

    Attributes:
        tensors: Networks, optimisers and random states, by name.
        facts: The rest, as JSON knows it.
    """

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


class TrainingReport(Report, Protocol):
    """A report that also takes checkpoints, numbers and pictures while a room works."""

    def resumed(self) -> Checkpoint | None:
        """The last checkpoint of an attempt that was cut short."""
        ...

    def keep(self, checkpoint: Checkpoint) -> None:
        """Have the checkpoint survive whatever happens to this process."""
        ...

    def leave_if_asked(self, checkpoint: Callable[[], Checkpoint]) -> None:
        """Keep the checkpoint and end the process, if somebody asked for its end meanwhile."""
        ...

    def measured(
        self, step: int, numbers: Mapping[str, float], pictures: Mapping[str, bytes]
    ) -> None:
        """Tell who watches: named numbers after ``step``, and PNG files by artifact name."""
        ...


@runtime_checkable
class MethodPackage(Protocol):
    """A module under ``workers.methods``.

    ``run(inputs, params, report)`` takes the room's own frozen ``Inputs``, the card's params and
    a ``Report``, and returns the room's own frozen ``Result``.
    """

    Inputs: type[Any]
    Result: type[Any]
    run: Callable[..., Any]


def silent(step: int, total: int, message: str = "") -> None:
    """A report for callers who do not watch."""


@dataclass
class RecordingReporter:
    """A training report for callers without a supervisor: it remembers everything.

    Attributes:
        start: The checkpoint to go on from.
        kept: Checkpoints, in order.
        told: Steps and numbers, in order.
        pictures: The latest of every name.
    """

    start: Checkpoint | None = None
    kept: list[Checkpoint] = field(default_factory=list)
    told: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)

    def __call__(self, step: int, total: int, message: str = "") -> None:
        """Nothing: nobody watches."""

    def resumed(self) -> Checkpoint | None:
        """The checkpoint to go on from."""
        return self.start

    def keep(self, checkpoint: Checkpoint) -> None:
        """Remember a copy of the checkpoint, which training goes on to overwrite."""
        tensors = {name: one.detach().clone() for name, one in checkpoint.tensors.items()}
        self.kept.append(Checkpoint(tensors, dict(checkpoint.facts)))

    def leave_if_asked(self, checkpoint: Callable[[], Checkpoint]) -> None:
        """Nothing: nobody asks."""

    def measured(
        self, step: int, numbers: Mapping[str, float], pictures: Mapping[str, bytes]
    ) -> None:
        """Remember numbers and pictures."""
        self.told.append((step, dict(numbers)))
        self.pictures.update(pictures)
