"""Frames of clips as sequences of features: log-mel of sound, principal components of crops.

Video is taken at a fixed rate by time stamps (nearest frame), sound as it is; neighboring frames are
stacked. Each sequence carries the middle of its frames in seconds.

Axes: ``frame``; ``mel``; ``feature``; ``row`` and ``column`` of a crop; ``component``.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from workers.torchkit.clips import Clip

MEL_STACK, CROP_STACK = 4, 2
_LEVELS = 255.0
_SMALLEST_SPREAD = 1e-4
_ROUNDING = 1e-4
_MOST_PIXELS, _MOST_FRAMES = 2048, 2048
_SMALLEST_VARIANCE = 1e-10
_LEAST_SHARE = 0.01


@dataclass(frozen=True)
class FeatureSequence:
    """Features of a clip.

    Attributes:
        times: Middle of each frame in seconds.
    """

    values: Float[Tensor, "frame feature"]
    times: Float[Tensor, " frame"]


@runtime_checkable
class ReadsFeatures(Protocol):
    """Turns a clip into the input of an encoder."""

    @property
    def size(self) -> int:
        """Features per frame."""
        ...

    def features(self, clip: Clip) -> FeatureSequence:
        """The features of the clip; no frames where it has no sound or no picture."""
        ...


def stacked(values: Float[Tensor, "frame feature"], count: int) -> Float[Tensor, "group all"]:
    """Groups of ``count`` neighboring frames as one; the last frame fills the last group."""
    missing = -len(values) % count
    if missing:
        values = torch.cat([values, values[-1:].expand(missing, -1)])
    return values.reshape(len(values) // count, count * values.shape[1])


def standardized(values: Float[Tensor, "frame feature"]) -> Float[Tensor, "frame feature"]:
    """Each feature with mean 0 and deviation 1 over the frames; 0 where it is constant."""
    centered = values - values.mean(0)
    return centered / centered.square().mean(0).sqrt().clamp_min(_SMALLEST_SPREAD)


def slopes(values: Float[Tensor, "frame feature"]) -> Float[Tensor, "frame feature"]:
    """Half the difference of the next and the previous frame; the ends repeat."""
    padded = torch.cat([values[:1], values, values[-1:]])
    return (padded[2:] - padded[:-2]) / 2


class MelReader(nn.Module):
    """Log-mel frames, standardized within the clip, four of them as one."""

    def __init__(self, mels: int = 80) -> None:
        super().__init__()
        self.mels = mels

    @property
    def size(self) -> int:
        """Features per stacked frame."""
        return MEL_STACK * self.mels

    def features(self, clip: Clip) -> FeatureSequence:
        """The stacked frames."""
        if not len(clip.mel):
            return FeatureSequence(torch.zeros(0, self.size), torch.zeros(0))
        values = stacked(standardized(clip.mel.float()), MEL_STACK)
        times = stacked(clip.mel_times.float()[:, None], MEL_STACK).mean(1)
        return FeatureSequence(values, times)


def resampled_frames(
    times: Float[Tensor, " frame"], rate: float
) -> tuple[Tensor, Float[Tensor, " sample"]]:
    """Index of the nearest frame, and the time, of samples at ``rate`` per second."""
    seconds = float(times[-1] - times[0])
    count = math.ceil(seconds * rate + 0.5 - _ROUNDING)
    samples = times[0] + torch.arange(count) / rate
    right = torch.searchsorted(times.contiguous(), samples).clamp(1, max(1, len(times) - 1))
    if len(times) == 1:
        return torch.zeros(len(samples), dtype=torch.long), samples
    left_nearer = samples - times[right - 1] <= times[right] - samples
    return torch.where(left_nearer, right - 1, right), samples


def principal_axes(
    parts: Iterable[Tensor], size: int
) -> tuple[Float[Tensor, " axis"], Float[Tensor, "feature axis"]]:
    """Variances, rising, and axes of all frames, from the covariance of their features.

    Each part has frames in rows, and features in columns.
    """
    covariance, frames = torch.zeros(size, size, dtype=torch.float64), 0
    for part in parts:
        values = part.double()
        covariance += values.T @ values
        frames += len(values)
    variances, axes = torch.linalg.eigh(covariance / frames)
    return variances, axes


def principal_axes_of_samples(
    parts: Iterable[Tensor],
) -> tuple[Float[Tensor, " axis"], Float[Tensor, "feature axis"]]:
    """The same from the products of at most ``_MOST_FRAMES`` frames, every n-th of all.

    It is faster where frames have more features than there are frames. Axes without variance are
    left out; the largest entry of each axis is positive.
    """
    values = _every_nth(parts).double()
    variances, shares = torch.linalg.eigh(values @ values.T / len(values))
    counts = variances > _SMALLEST_VARIANCE * variances[-1]
    variances, shares = variances[counts], shares[:, counts]
    axes = values.T @ shares / (variances * len(values)).sqrt()
    largest = axes.gather(0, axes.abs().argmax(0, keepdim=True))
    return variances, axes * largest.sign()


def _every_nth(parts: Iterable[Tensor]) -> Float[Tensor, "sample feature"]:
    """Every n-th frame of all, where n doubles whenever there are too many."""
    samples: list[Tensor] = []
    step, offset = 1, 0
    for part in parts:
        samples += [row.clone() for row in part[-offset % step :: step]]
        offset += len(part)
        while len(samples) > _MOST_FRAMES:
            samples, step = samples[::2], 2 * step
    return torch.stack(samples)


class CropReader(nn.Module):
    """Principal components of crops, their slopes, and two frames as one.

    A clip's mean crop is subtracted first, so that most of what tells speakers apart is gone.
    ``least_motion``, in gray levels, is exceeded by 99 % of the clips it was fitted to; 0 if unknown.
    """

    components: Tensor
    spreads: Tensor

    def __init__(
        self, *, height: int, width: int, rate: float, components: int, least_motion: float = 0.0
    ) -> None:
        super().__init__()
        self.shape, self.rate, self.least_motion = (height, width), rate, least_motion
        self.register_buffer("components", torch.zeros(height * width, components))
        self.register_buffer("spreads", torch.ones(components))

    @classmethod
    def fitted(cls, clips: Sequence[Clip], *, rate: float, components: int) -> "CropReader":
        """The reader whose components are those of the clips, at the size of the first crops.

        Of crops with many pixels, a bounded number of frames counts, evenly spaced over all clips.
        """
        height, width = clips[0].crops.shape[1:]
        reader = cls(height=height, width=width, rate=rate, components=components)
        frames = (reader._pixels(clip)[0] for clip in clips)
        if height * width <= _MOST_PIXELS:
            variances, axes = principal_axes(frames, height * width)
        else:
            variances, axes = principal_axes_of_samples(frames)
        count = min(components, len(variances))
        reader.components[:, :count].copy_(axes[:, -count:].flip(1).float())
        reader.spreads[:count].copy_(variances[-count:].flip(0).clamp_min(1e-8).sqrt().float())
        motions = torch.tensor([reader.motion(clip) for clip in clips])
        reader.least_motion = float(motions.quantile(_LEAST_SHARE))
        return reader

    @property
    def size(self) -> int:
        """Features per stacked frame."""
        return CROP_STACK * 2 * len(self.spreads)

    def features(self, clip: Clip) -> FeatureSequence:
        """The stacked frames."""
        pixels, times = self._pixels(clip)
        coefficients = pixels @ self.components.cpu() / self.spreads.cpu()
        values = torch.cat([coefficients, slopes(coefficients)], dim=1)
        return FeatureSequence(
            stacked(values, CROP_STACK), stacked(times[:, None], CROP_STACK).mean(1)
        )

    def motion(self, clip: Clip) -> float:
        """Mean distance of neighboring samples in gray levels from 0 to 255; 0 of a single one."""
        pixels, _ = self._pixels(clip)
        return _LEVELS * float(pixels.diff(dim=0).abs().mean()) if len(pixels) > 1 else 0.0

    def _pixels(self, clip: Clip) -> tuple[Tensor, Tensor]:
        """Pixels of every sample minus the clip's mean, and the times of the samples."""
        frames, times = resampled_frames(clip.crop_times.float(), self.rate)
        crops = _scaled(clip.crops, self.shape)[frames]
        return (crops - crops.mean(0)).flatten(1), times


def _scaled(
    crops: UInt8[Tensor, "frame any any2"], shape: tuple[int, int]
) -> Float[Tensor, "frame row column"]:
    values = crops.float() / _LEVELS
    if tuple(crops.shape[1:]) == shape:
        return values
    resized = functional.interpolate(
        values[:, None], size=shape, mode="bilinear", align_corners=False, antialias=True
    )
    return resized[:, 0]


@dataclass(frozen=True)
class FeatureBatch:
    """Padded feature sequences."""

    values: Float[Tensor, "clip frame feature"]
    lengths: Tensor

    @classmethod
    def of(cls, sequences: Sequence[FeatureSequence], device: torch.device) -> "FeatureBatch":
        """The sequences, padded with 0 to the longest."""
        values = nn.utils.rnn.pad_sequence(
            [sequence.values for sequence in sequences], batch_first=True
        )
        lengths = torch.tensor([len(sequence.values) for sequence in sequences])
        return cls(values.to(device), lengths.to(device))
