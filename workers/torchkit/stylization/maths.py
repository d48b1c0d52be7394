"""Dynamic instance normalization: normalize maps, then convolve with what a style predicts.

Source: Jing et al. 2020, arXiv 1911.06953; Huang & Belongie 2017 (AdaIN), arXiv 1703.06868.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

EPSILON = 1e-5
_SIDE = 3
_PRECISE = (torch.float32, torch.float64)


@dataclass(frozen=True)
class MapStatistics:
    """Mean and population variance of every channel of a picture's maps."""

    mean: Float[Tensor, "image channel 1 1"]
    variance: Float[Tensor, "image channel 1 1"]


def map_statistics(maps: Float[Tensor, "image channel row column"]) -> MapStatistics:
    """Statistics over all positions, at least in float32; a single position has variance 0."""
    maps = maps if maps.dtype in _PRECISE else maps.float()
    mean = maps.mean(dim=(2, 3), keepdim=True)
    return MapStatistics(mean, (maps - mean).square().mean(dim=(2, 3), keepdim=True))


def deviation(variance: Tensor) -> Tensor:
    """The standard deviation that normalization divides by."""
    return (variance + EPSILON).sqrt()


def normalized(
    maps: Float[Tensor, "image channel row column"], statistics: MapStatistics
) -> Float[Tensor, "image channel row column"]:
    """Instance normalization: maps with mean 0 and variance 1 in every channel."""
    return (maps - statistics.mean) / deviation(statistics.variance)


def depthwise(
    maps: Float[Tensor, "image channel row column"],
    kernels: Float[Tensor, "image channel tap"],
    *,
    reach: float = 1.0,
) -> Float[Tensor, "image channel row column"]:
    """Each channel of each image convolved with its own kernel of 1 or 3 x 3 taps.

    Args:
        reach: Distance of neighboring taps in positions; between positions maps are bilinear.
    """
    if kernels.shape[2] == 1:
        return maps * kernels[:, :, :, None]
    margin = math.ceil(reach)
    padded = mirrored(maps, margin)
    steps = [index - 1 for index in range(_SIDE)]
    offsets = [(down * reach, right * reach) for down in steps for right in steps]
    total = torch.zeros_like(maps)
    for tap, offset in enumerate(offsets):
        moved = _moved(padded, offset, margin)
        total = total + moved * kernels[:, :, tap, None, None]
    return total


def depthwise_varying(
    maps: Float[Tensor, "image channel row column"],
    kernels: Float[Tensor, "image channel tap"],
    reaches: Float[Tensor, "image 1 row column"],
) -> Float[Tensor, "image channel row column"]:
    """As :func:`depthwise`, with a distance of neighboring taps for every position.

    y(p) = Σⱼ Wⱼ x(p + r(p) oⱼ): a deformable convolution whose offsets are a scaled grid.
    """
    if kernels.shape[2] == 1:
        return maps * kernels[:, :, :, None]
    margin = math.ceil(float(reaches.max()))
    padded = mirrored(maps, margin)
    rows, columns = (
        torch.arange(size, dtype=maps.dtype, device=maps.device) + margin
        for size in maps.shape[-2:]
    )
    last_row, last_column = (size - 1 for size in padded.shape[-2:])
    steps = [index - 1 for index in range(_SIDE)]
    total = torch.zeros_like(maps)
    for tap, (down, right) in enumerate((down, right) for down in steps for right in steps):
        row = 2 * (rows[:, None] + down * reaches[:, 0]) / last_row - 1
        column = 2 * (columns + right * reaches[:, 0]) / last_column - 1
        moved = functional.grid_sample(
            padded, torch.stack([column, row], dim=-1), padding_mode="border", align_corners=True
        )
        total = total + moved * kernels[:, :, tap, None, None]
    return total


def mirrored(maps: Tensor, margin: int) -> Tensor:
    """Maps with a margin that mirrors them, over and over where they are smaller than it."""
    height, width = maps.shape[-2:]
    if margin < min(height, width):
        return functional.pad(maps, (margin,) * 4, mode="reflect")
    rows, columns = (_mirrored_positions(size, margin).to(maps.device) for size in (height, width))
    return maps.index_select(-2, rows).index_select(-1, columns)


def _mirrored_positions(size: int, margin: int) -> Tensor:
    """For every position of the widened axis the position that it shows."""
    period = max(1, 2 * (size - 1))
    folded = torch.arange(-margin, size + margin) % period
    return torch.minimum(folded, (period - folded) % period if size > 1 else folded)


def _moved(padded: Tensor, offset: tuple[float, float], margin: int) -> Tensor:
    """The maps seen from an offset (down, right), interpolated between whole positions."""
    height, width = (size - 2 * margin for size in padded.shape[-2:])
    rows, columns = (_whole_parts(value) for value in offset)
    return torch.stack(
        [
            padded[
                ...,
                margin + row : margin + row + height,
                margin + column : margin + column + width,
            ]
            * (row_share * column_share)
            for row, row_share in rows
            for column, column_share in columns
        ]
    ).sum(0)


def _whole_parts(value: float) -> list[tuple[int, float]]:
    """The whole positions around a value with their shares."""
    low = math.floor(value)
    share = value - low
    return [(low, 1.0)] if share == 0 else [(low, 1 - share), (low + 1, share)]


def grouped_pointwise(
    maps: Float[Tensor, "image channel row column"],
    mixing: Float[Tensor, "image channel member"],
) -> Float[Tensor, "image channel row column"]:
    """Channels mixed within groups of ``member`` neighbors, by each image's own weights."""
    count, channels, height, width = maps.shape
    members = mixing.shape[2]
    grouped = maps.reshape(count, channels // members, members, height * width)
    weights = mixing.reshape(count, channels // members, members, members)
    mixed: Tensor = torch.matmul(weights, grouped)
    return mixed.reshape(count, channels, height, width)


def adaptive_instance_normalization(
    maps: Float[Tensor, "image channel row column"],
    style: Float[Tensor, "image channel style_row style_column"],
) -> Float[Tensor, "image channel row column"]:
    """Maps with the mean and deviation of the style's maps in every channel (AdaIN)."""
    target = map_statistics(style)
    return normalized(maps, map_statistics(maps)) * deviation(target.variance) + target.mean


def pooled(maps: Float[Tensor, "image channel row column"]) -> Float[Tensor, "image twice"]:
    """Mean and standard deviation of every channel, side by side."""
    statistics = map_statistics(maps)
    return torch.cat([statistics.mean, deviation(statistics.variance)], dim=1).flatten(1)
