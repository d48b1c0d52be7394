"""The trace that this thread or task works for, and the span of the trace that it is in."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_trace: ContextVar[str | None] = ContextVar("trace_id", default=None)
_span: ContextVar[str | None] = ContextVar("span_id", default=None)

# W3C Trace Context: version, trace id, span id and flags; later versions may add fields.
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?"
)


def new_trace_id() -> str:
    """A new W3C trace id: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def current_trace_id() -> str | None:
    """The current trace id, if any."""
    return _trace.get()


def current_span_id() -> str | None:
    """The id of the span that new spans and jobs belong to, 16 hexadecimal digits, if any."""
    return _span.get()


def follow(trace_id: str, span_id: str | None = None) -> None:
    """Set the trace id of this task, and the span of the trace that its own spans belong to."""
    _trace.set(trace_id)
    _span.set(span_id)


def follow_request(traceparent: str) -> str:
    """The trace id that this task now has: that of the header, or a new one if it is malformed."""
    match = _TRACEPARENT.fullmatch(traceparent)
    trace_id, span_id = match.groups() if match is not None else (new_trace_id(), None)
    follow(trace_id, span_id)
    return trace_id


@contextmanager
def inside_span(span_id: str) -> Iterator[None]:
    """Inside, new spans and jobs belong to this span."""
    outer = _span.get()
    _span.set(span_id)
    try:
        yield
    finally:
        # Not by a token: a stream may be closed in another context than it was opened in.
        _span.set(outer)
