"""Times of frames: how many a second, and evenly spaced ones where they vary."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workers.torchkit.clip_reading.containers import ClipLimits

_FRAMES_PER_SECOND_WITHOUT_TIMES = 25.0
_LARGEST_DEVIATION = 0.5


@dataclass(frozen=True)
class ShownTimes:
    """Frames at a constant rate: which of the decoded frames each is, and its middle.

    ``varied`` says that the decoded frames were not evenly spaced; then each is the nearest.
    """

    indices: np.ndarray
    middles: np.ndarray
    per_second: float
    end: float
    varied: bool


def regular(times: Sequence[float]) -> ShownTimes:
    """The frames as they are if they are evenly spaced, else the nearest at the usual rate."""
    starts = np.asarray(times, dtype=np.float64)
    spacing = _spacing(starts)
    steps = np.diff(starts)
    varied = bool((np.abs(steps - spacing) > _LARGEST_DEVIATION * spacing).any())
    if varied:
        count = int(np.floor((starts[-1] - starts[0]) / spacing + 0.5)) + 1
        even = starts[0] + np.arange(count) * spacing
        after = np.clip(np.searchsorted(starts, even), 1, len(starts) - 1)
        nearer_before = even - starts[after - 1] <= starts[after] - even
        indices, starts = np.where(nearer_before, after - 1, after), even
    else:
        indices = np.arange(len(starts))
    return ShownTimes(
        indices=indices,
        middles=starts + spacing / 2,
        per_second=round(1.0 / spacing, 6),
        end=float(starts[-1] + spacing),
        varied=varied,
    )


def require_within(times: Sequence[float], limits: ClipLimits) -> None:
    """Raises ClipProblemError: ``too_many_frames``: evenly spaced, there are too many."""
    lasts = times[-1] - times[0]
    limits.require_frames(int(lasts / _spacing(np.asarray(times))) + 1)


def _spacing(starts: np.ndarray) -> float:
    """The usual time between two frames: the mean if they are even, else the median."""
    steps = np.diff(starts)
    median = float(np.median(steps))
    mean = float(steps.mean())
    if median > 0 and (np.abs(steps - median) <= _LARGEST_DEVIATION * median).all():
        return mean
    return median if median > 0 else 1.0 / _FRAMES_PER_SECOND_WITHOUT_TIMES
