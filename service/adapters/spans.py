"""Spans: what a process did for a trace, from when to when. Without an endpoint nobody records them.

A span belongs to the current trace and, inside another span, to that one (``service.core.tracing``).
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import Enum, auto
from types import MappingProxyType

Attributes = Mapping[str, str | int]
NO_ATTRIBUTES: Attributes = MappingProxyType({})


class SpanKind(Enum):
    """Who caused a span: a client's request, a job that was queued, or this process itself."""

    SERVER = auto()
    CONSUMER = auto()
    INTERNAL = auto()


class Span:
    """A span under way, which nobody records."""

    def rename(self, name: str) -> None:
        """Give the span a name that is known only now."""

    def note(self, attributes: Attributes) -> None:
        """Add attributes."""

    def fail(self, error_type: str) -> None:
        """Mark the span as failed; ``error_type`` is a stable code or the name of a class."""

    def add_part(
        self, name: str, *, start: float, end: float, error_type: str | None = None
    ) -> None:
        """Record a part that has ended, from ``start`` to ``end`` seconds after this span began."""


class Spans:
    """The spans of a process, which nobody records."""

    def span(
        self,
        name: str,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = NO_ATTRIBUTES,
    ) -> AbstractContextManager[Span]:
        """A span that lasts as long as the block; an error in the block does not mark it as failed."""
        del name, kind, attributes
        return NOT_RECORDED

    def close(self) -> None:
        """Send what has not been sent, for a short time."""


NOT_RECORDED = nullcontext(Span())
NO_SPANS = Spans()
