"""The frames of a clip, upright, with the time at which each is first shown."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workers.programs.machine_faults import raise_machine_fault
from workers.torchkit.clip_reading.containers import ClipLimits, opened_clip

_QUARTER_TURN = 90
_SECONDS_OF_A_FRAME = 1 / 25


@dataclass(frozen=True)
class ShownFrame:
    """A decoded frame, when it is first shown in seconds, and by how many degrees it was turned."""

    seconds: float
    turned: int
    _frame: Any

    def gray(self) -> np.ndarray:
        """Brightness, (row, column) uint8, upright."""
        return self._upright("gray")

    def colors(self) -> np.ndarray:
        """RGB, (row, column, 3) uint8, upright."""
        return self._upright("rgb24")

    def _upright(self, form: str) -> np.ndarray:
        """The pixels turned as the file says, counterclockwise."""
        return np.rot90(self._frame.to_ndarray(format=form), self.turned // _QUARTER_TURN)


def shown_frames(path: Path, limits: ClipLimits) -> Iterator[ShownFrame]:
    """The frames in the order of their times; a damaged file ends where its damage begins.

    Raises:
        ClipProblemError: ``undecodable``, or the clip exceeds a limit while it is decoded.
    """
    import av

    with opened_clip(path, limits) as container:
        decoded = container.decode(container.streams.video[0])
        last, first = None, 0.0
        for count in range(limits.frames + 1):
            try:
                frame = next(decoded, None)
            except (av.FFmpegError, ValueError) as error:
                raise_machine_fault(error)
                return
            if frame is None:
                return
            limits.require_frames(count + 1)
            limits.require_pixels(frame.width, frame.height)
            seconds = _seconds(frame.time, last)
            first = seconds if last is None else first
            limits.require_seconds(seconds - first)
            last = seconds
            yield ShownFrame(seconds, int(frame.rotation), frame)


def _seconds(stated: float | None, last: float | None) -> float:
    """The stated time, never before the last frame's; without any, frames follow at 25 a second."""
    if stated is None:
        return 0.0 if last is None else last + _SECONDS_OF_A_FRAME
    return stated if last is None else max(stated, last)
