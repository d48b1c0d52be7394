"""Messages of a child to the worker: one JSON object per line, through a pipe.

``running`` once; ``phase`` {phase, began} as each phase begins; ``progress`` {step, total, message}; ``metrics`` {step, numbers, pictures: file
names by artifact name} and ``checkpoint`` {file}, both for files in ``updates``; then ``done`` or
``error`` {error: {code, detail, remedy}, retryable, trace}.
"""

import json
import os
import time
from typing import Any

LONGEST_LINE_BYTES = 256 * 1024
REPORT_INTERVAL_SECONDS = 0.1


class MessageWriter:
    """The child's end of the pipe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._reported = 0.0

    def send(self, kind: str, **fields: Any) -> None:
        """Send one message; blocks while the worker is not reading."""
        line = json.dumps({"kind": kind, **fields}).encode() + b"\n"
        view = memoryview(line)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def begin_phase(self, phase: str) -> None:
        """Report that a phase of the job begins now."""
        self.send("phase", phase=phase, began=time.monotonic())

    def report_progress(self, step: int, total: int, message: str = "") -> None:
        """Send the progress of a method; too frequent reports are dropped, the last one never."""
        now = time.monotonic()
        if step < total and now - self._reported < REPORT_INTERVAL_SECONDS:
            return
        self._reported = now
        self.send("progress", step=step, total=total, message=message[:500])


class MessageReader:
    """The worker's end of the pipe: bytes in, whole messages out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """The messages that ``data`` completes; lines that are no messages are ignored.

        A line longer than allowed is dropped: a child must not fill the worker's memory.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE_BYTES:
            self._rest = b""
        return [message for line in lines if (message := _parsed(line)) is not None]


def _parsed(line: bytes) -> dict[str, Any] | None:
    """A JSON object, or None."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
