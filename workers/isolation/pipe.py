"""What a child tells its supervisor: one JSON object a line, through a pipe.

``running`` once; ``progress`` {step, total, message}; ``metrics`` {step, numbers, pictures: file
names by artifact name} and ``checkpoint`` {file}, both of files in ``kept``; then ``done`` or
``error`` {error: {code, detail, remedy}, again, trace}.
"""

import json
import os
import time
from typing import Any

LONGEST_LINE_BYTES = 256 * 1024
SECONDS_BETWEEN_REPORTS = 0.1


class MessageWriter:
    """The child's end of the pipe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._reported = 0.0

    def say(self, kind: str, **facts: Any) -> None:
        """Send one message; waits while the supervisor is not reading."""
        line = json.dumps({"kind": kind, **facts}).encode() + b"\n"
        view = memoryview(line)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def report(self, step: int, total: int, message: str = "") -> None:
        """A room's ``Report``; too frequent ones are dropped, the last one never."""
        now = time.monotonic()
        if step < total and now - self._reported < SECONDS_BETWEEN_REPORTS:
            return
        self._reported = now
        self.say("progress", step=step, total=total, message=message[:500])


class MessageReader:
    """The supervisor's end of a pipe: bytes in, whole messages out."""

    def __init__(self) -> None:
        self._rest = b""

    def hear(self, data: bytes) -> list[dict[str, Any]]:
        """The messages completed by ``data``; what is not a message is ignored.

        A line longer than allowed is forgotten: a child must not fill the supervisor's memory.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE_BYTES:
            self._rest = b""
        return [trained_on for line in lines if (trained_on := _parsed(line)) is not None]


def _parsed(line: bytes) -> dict[str, Any] | None:
    """A JSON object, or None."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
