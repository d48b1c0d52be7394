"""Log-mel frames of a sound.

Windows of 25 ms every 10 ms (``numpy.hanning``), power of a transform of 512 points, triangles of
height 1 between 60 and 7 600 Hz that are evenly spaced on the HTK mel scale, then the logarithm of
the sum plus 1e-6.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

SAMPLES_PER_SECOND = 16_000
BANDS = 80
_WINDOW, _HOP, _POINTS = 400, 160, 512
_LOWEST, _HIGHEST = 60.0, 7600.0
_FLOOR = 1e-6
_FRAMES_AT_ONCE = 2000


def log_mel(
    samples: Float[Tensor, " sample"], *, bands: int = BANDS
) -> Float[Tensor, "frame band"]:
    """The frames that lie whole inside the sound; none of a sound shorter than 25 ms."""
    if len(samples) < _WINDOW:
        return torch.zeros(0, bands)
    window = torch.from_numpy(np.hanning(_WINDOW)).float()
    triangles = _triangles(bands)
    windows = samples.unfold(0, _WINDOW, _HOP)
    pieces = []
    for start in range(0, len(windows), _FRAMES_AT_ONCE):
        spectrum = torch.fft.rfft(windows[start : start + _FRAMES_AT_ONCE] * window, _POINTS)
        pieces.append((spectrum.abs().square() @ triangles + _FLOOR).log())
    return torch.cat(pieces)


def mel_times(frames: int) -> Float[Tensor, " frame"]:
    """The middle of each frame in seconds since the first sample."""
    return (torch.arange(frames) * _HOP + _WINDOW / 2) / SAMPLES_PER_SECOND


def _triangles(bands: int) -> Float[Tensor, "bin band"]:
    """The weight of every frequency in every band."""
    mels = torch.linspace(_mel(_LOWEST), _mel(_HIGHEST), bands + 2, dtype=torch.float64)
    edges = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    bins = torch.arange(_POINTS // 2 + 1, dtype=torch.float64) * SAMPLES_PER_SECOND / _POINTS
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - low) / (middle - low)
    falling = (high - bins[:, None]) / (high - middle)
    return torch.minimum(rising, falling).clamp_min(0).float()


def _mel(frequency: float) -> float:
    return 2595.0 * float(np.log10(1.0 + frequency / 700.0))
