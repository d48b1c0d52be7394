"""The canonical frame: one RGB square onto which every network's attribution maps are mapped.

Images are stored as canonical squares (uint8, RGB). Each network's ``Preprocessing`` converts
them to its input; its maps return by the inverse of the geometric steps: channel order, channel
reduction, resize. Photometric steps (range, mean, std) are not inverted.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from service.core.catalog.measurement import Channel
from service.core.manifest import ChannelOrder, InputSpec

_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Preprocessing:
    """How canonical pixels x in [0, 1] become a network's input.

    input = (low + (high - low) * x - mean) / std, per channel of the network: ``mean`` and
    ``std`` stand in the network's own channel order. One channel means ITU-R 601 luma.
    """

    channels: int
    height: int
    width: int
    range: tuple[float, float] = (0.0, 1.0)
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    channel_order: ChannelOrder = ChannelOrder.RGB

    @classmethod
    def of(cls, spec: InputSpec) -> "Preprocessing":
        """The preprocessing that a manifest's input declares."""
        return cls(
            channels=spec.channels,
            height=spec.height,
            width=spec.width,
            range=spec.range,
            mean=spec.mean,
            std=spec.std,
            channel_order=spec.channel_order,
        )


@dataclass(frozen=True)
class Region:
    """The part of the canonical frame that a network receives, as fractions of its side."""

    top: float
    left: float
    bottom: float
    right: float


WHOLE = Region(0.0, 0.0, 1.0, 1.0)


def to_network_input(
    images: UInt8[Tensor, "probe side side 3"],
    preprocessing: Preprocessing,
    *,
    memory_format: torch.memory_format = torch.contiguous_format,
) -> Float[Tensor, "probe channel row column"]:
    """Canonical images as the network expects them, float32.

    Luma is computed before the resize and channels are flipped before the affine step; resizing
    is bilinear with antialiasing, in floating point. A frame of the right size is not resampled.
    """
    # Resizing runs several times faster on planes than on interleaved pixels.
    planes = images.permute(0, 3, 1, 2).contiguous().to(torch.float32)
    if preprocessing.channels == 1:
        planes = luma(planes)
    elif preprocessing.channel_order is ChannelOrder.BGR:
        planes = planes.flip(1)
    planes = resize(planes, (preprocessing.height, preprocessing.width))
    scale, shift = _affine(preprocessing, planes)
    return torch.addcmul(shift, planes, scale).contiguous(memory_format=memory_format)


def luma(
    planes: Float[Tensor, "probe 3 row column"],
) -> Float[Tensor, "probe 1 row column"]:
    """Luma of RGB pixels. Source: ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B."""
    weights = planes.new_tensor(_LUMA).view(1, 3, 1, 1)
    return (planes * weights).sum(dim=1, keepdim=True)


def _affine(preprocessing: Preprocessing, like: Tensor) -> tuple[Tensor, Tensor]:
    """Scale and shift (1, channel, 1, 1) from bytes 0..255 to normalized inputs, in one step."""
    low, high = preprocessing.range
    mean = like.new_tensor(preprocessing.mean, dtype=torch.float64)
    std = like.new_tensor(preprocessing.std, dtype=torch.float64)
    # (low + (high − low)·x/255 − mean)/std = x·scale + shift; float64 until the last step.
    scale = (high - low) / (255.0 * std)
    shift = (low - mean) / std
    return tuple(coefficient.to(torch.float32).view(1, -1, 1, 1) for coefficient in (scale, shift))  # type: ignore[return-value]


def resize(
    planes: Float[Tensor, "probe plane row column"], size: tuple[int, int]
) -> Float[Tensor, "probe plane new_row new_column"]:
    """Bilinear resize, antialiased where it shrinks; the input itself when the size is right."""
    if planes.shape[-2:] == size:
        return planes
    return functional.interpolate(
        planes, size=size, mode="bilinear", align_corners=False, antialias=True
    )


def to_canonical(
    maps: Float[Tensor, "probe channel row column"],
    preprocessing: Preprocessing,
    *,
    channel: Channel,
    grid: int,
    region: Region = WHOLE,
) -> Float[Tensor, "probe plane grid grid"]:
    """Maps of a network on the canonical frame, in one fixed order of steps.

    Channel order is undone, channels are reduced, then maps are resized to ``grid``. Reduction precedes the
    resize, because |·| and interpolation do not commute.

    Source: Song et al. 2019 (NeurIPS), section 3.2, T⁻¹; the formula is ours.
    """
    upright = undo_channel_order(maps, preprocessing)
    return to_canonical_grid(reduce_channels(upright, channel), grid, region=region)


def undo_channel_order(
    maps: Float[Tensor, "probe channel row column"], preprocessing: Preprocessing
) -> Float[Tensor, "probe channel row column"]:
    """Planes in RGB order."""
    swapped = preprocessing.channel_order is ChannelOrder.BGR and maps.shape[1] > 1
    return maps.flip(1) if swapped else maps


def reduce_channels(
    maps: Float[Tensor, "probe channel row column"], channel: Channel
) -> Float[Tensor, "probe plane row column"]:
    """One plane (mean, or mean of absolute values) or the three of RGB.

    A one-channel map that must keep its channels is spread evenly over three, so that its sum
    stays and it can be compared with maps of color networks.
    """
    if channel is Channel.MEAN:
        return _mean_of_planes(maps)
    if channel is Channel.ABSMEAN:
        return _mean_of_planes(maps.abs())
    return (maps / 3).expand(-1, 3, -1, -1) if maps.shape[1] == 1 else maps


def _mean_of_planes(
    maps: Float[Tensor, "probe channel row column"],
) -> Float[Tensor, "probe 1 row column"]:
    """The mean over channels, as a sum of planes: fast in every memory layout."""
    first, *others = maps.unbind(1)
    total = sum(others, start=first)
    return (total / maps.shape[1]).unsqueeze(1)


def to_canonical_grid(
    maps: Float[Tensor, "probe plane row column"], grid: int, *, region: Region = WHOLE
) -> Float[Tensor, "probe plane grid grid"]:
    """Maps resized onto ``region``; zero outside it."""
    if region == WHOLE:
        return resize(maps, (grid, grid))
    top, bottom = round(region.top * grid), round(region.bottom * grid)
    left, right = round(region.left * grid), round(region.right * grid)
    frame = maps.new_zeros(*maps.shape[:2], grid, grid)
    frame[:, :, top:bottom, left:right] = resize(maps, (bottom - top, right - left))
    return frame
