"""The trace id of the request or job that this thread or task works for."""

import secrets
from contextvars import ContextVar

_current: ContextVar[str | None] = ContextVar("trace_id", default=None)


def new_trace_id() -> str:
    """A new W3C trace id: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def current_trace_id() -> str | None:
    """The current trace id, if any."""
    return _current.get()


def follow(trace_id: str) -> None:
    """Set the trace id of this task."""
    _current.set(trace_id)


def trace_id_of(traceparent: str) -> str | None:
    """The trace id inside a ``traceparent`` header; None if it is malformed."""
    parts = traceparent.split("-")
    if len(parts) < 4 or len(parts[1]) != 32 or set(parts[1]) == {"0"}:  # noqa: PLR2004 - W3C
        return None
    return parts[1] if set(parts[1]) <= set("0123456789abcdef") else None
