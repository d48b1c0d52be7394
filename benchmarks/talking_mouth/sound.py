"""Pitch and log-mel of synthesized speech.

Axes: ``frame``; ``band`` of the mel scale.
"""

import numpy as np
from scipy.signal import resample_poly

from benchmarks.talking_mouth.speech import RATE

MEL_RATE, HOP, WINDOW, TRANSFORM = 16_000, 160, 400, 512
_LOWEST, _HIGHEST = 60.0, 7600.0
_SMALLEST_POWER = 1e-6
_PITCH_WINDOW, _PITCH_HOP = 1024, 220
_LOWEST_PITCH, _HIGHEST_PITCH = 60.0, 400.0
_VOICED = 0.35


def at_mel_rate(samples: np.ndarray) -> np.ndarray:
    """The sound at 16 000 samples per second."""
    return resample_poly(samples, 320, 441)


def log_mel(samples: np.ndarray, bands: int = 80) -> np.ndarray:
    """log(power + 1e-6) in HTK mel bands of 25 ms every 10 ms (frame, band)."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), TRANSFORM)) ** 2
    return np.log(power @ _triangles(bands).T + _SMALLEST_POWER)


def mel_times(frames: int) -> np.ndarray:
    """Middle of each frame in seconds."""
    return (np.arange(frames) * HOP + WINDOW / 2) / MEL_RATE


def _triangles(bands: int) -> np.ndarray:
    lowest, highest = (2595 * np.log10(1 + hertz / 700) for hertz in (_LOWEST, _HIGHEST))
    edges = 700 * (10 ** (np.linspace(lowest, highest, bands + 2) / 2595) - 1)
    bins = np.arange(TRANSFORM // 2 + 1) * MEL_RATE / TRANSFORM
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - left) / (middle - left), (right - bins) / (right - middle)
    return np.minimum(rising, falling).clip(0)


def log_pitch(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times and natural logarithm of the pitch by autocorrelation, interpolated where unvoiced.

    It is 0 throughout where nothing is voiced near the middle of all pitches.
    """
    padded = np.pad(samples, _PITCH_WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _PITCH_WINDOW)[::_PITCH_HOP]
    spectra = np.fft.rfft(frames * np.hanning(_PITCH_WINDOW), 2 * _PITCH_WINDOW)
    lags = np.fft.irfft(np.abs(spectra) ** 2)[:, :_PITCH_WINDOW]
    lags = lags / lags[:, :1].clip(1e-9)
    first, last = int(RATE / _HIGHEST_PITCH), int(RATE / _LOWEST_PITCH)
    best = lags[:, first:last].argmax(1) + first
    strength = np.take_along_axis(lags, best[:, None], 1)[:, 0]
    energy = (frames**2).mean(1)
    voiced = (strength > _VOICED) & (energy > 0.01 * energy.max())
    times = np.arange(len(frames)) * _PITCH_HOP / RATE
    values = np.log(RATE / best)
    if voiced.any():
        voiced &= np.abs(values - np.median(values[voiced])) < 0.4
    if not voiced.any():
        return times, np.zeros(len(times))
    return times, np.interp(times, times[voiced], values[voiced])
