"""The sound of a clip: one channel, 16 000 samples a second."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from workers.programs.machine_faults import raise_machine_fault
from workers.torchkit.clip_reading.containers import ClipLimits, opened_clip
from workers.torchkit.clip_reading.log_mel import SAMPLES_PER_SECOND

_FULL_SCALE = 32768.0


@dataclass(frozen=True)
class Sound:
    """Samples from -1 to 1, and when the first is heard, on the clock of the frames."""

    samples: Float[Tensor, " sample"]
    start_seconds: float

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / SAMPLES_PER_SECOND


def sound_of(path: Path, limits: ClipLimits) -> Sound | None:
    """The first sound of a clip; None if it has none.

    Raises:
        ClipProblemError: ``clip_too_long`` while it is decoded.
    """
    with opened_clip(path, limits) as container:
        if not container.streams.audio:
            return None
        stream: Any = container.streams.audio[0]
        stream.codec_context.thread_count = 1
        start = None
        pieces: list[np.ndarray] = []
        count = 0
        for seconds, samples in _resampled(container, stream):
            start = seconds if start is None else start
            pieces.append(samples)
            count += len(samples)
            limits.require_seconds(count / SAMPLES_PER_SECOND)
    if not count:
        return None
    joined = torch.from_numpy(np.concatenate(pieces)).float().div_(_FULL_SCALE)
    return Sound(joined, start or 0.0)


def _resampled(container: Any, stream: Any) -> Iterator[tuple[float, np.ndarray]]:
    """Pieces of the sound with their times; the last ones come out of the resampler's buffer."""
    import av

    resampler = av.AudioResampler("s16", "mono", SAMPLES_PER_SECOND)
    seconds = 0.0
    try:
        for frame in container.decode(stream):
            seconds = seconds if frame.time is None else frame.time
            for piece in resampler.resample(frame):
                yield seconds, piece.to_ndarray().reshape(-1)
        for piece in resampler.resample(None):
            yield seconds, piece.to_ndarray().reshape(-1)
    except (av.FFmpegError, ValueError) as error:
        raise_machine_fault(error)
