"""What a room owes its caller, and what it may expect of him."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Report(Protocol):
    """Tells the caller how far a room has come; raises when the job was cancelled."""

    def __call__(self, step: int, total: int, message: str = "") -> None:
        """``step`` of ``total`` is done."""
        ...


@runtime_checkable
class Room(Protocol):
    """A module under ``workers.methods``.

    ``run(inputs, params, report)`` takes the room's own frozen ``Inputs``, the card's params and
    a ``Report``, and returns the room's own frozen ``Result``.
    """

    Inputs: type[Any]
    Result: type[Any]
    run: Callable[..., Any]


def silent(step: int, total: int, message: str = "") -> None:
    """A report for callers who do not watch."""
