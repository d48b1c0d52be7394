"""A picture of images that a network was taught with, as a person would see them."""

import math

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from service.core.manifest import InputSpec
from workers.torchkit.rendering import png
from workers.torchkit.teachers import in_color

MOST = 64
_GAP = 2
_SMALLEST_TILE = 64


def sample_sheet(images: Float[Tensor, "image channel row column"], spec: InputSpec) -> bytes:
    """A PNG of the first 64 images side by side, in rows; small ones keep visible pixels.

    Args:
        images: In the input space of ``spec``; what lies beyond its range is cut off.
    """
    colors = in_color(images[:MOST].detach().float().cpu(), spec).clamp(0, 1)
    times = max(1, _SMALLEST_TILE // spec.width)
    tiles = (colors * 255).round().to(torch.uint8)
    tiles = tiles.repeat_interleave(times, dim=2).repeat_interleave(times, dim=3)
    return png(_in_rows(functional.pad(tiles, (_GAP,) * 4, value=255)))


def _in_rows(tiles: UInt8[Tensor, "image 3 row column"]) -> UInt8[Tensor, "high wide 3"]:
    """Tiles of one size as one picture about as wide as high; missing ones are white."""
    columns = math.ceil(math.sqrt(len(tiles)))
    rows = math.ceil(len(tiles) / columns)
    missing = tiles.new_full((rows * columns - len(tiles), *tiles.shape[1:]), 255)
    grid = torch.cat([tiles, missing]).reshape(rows, columns, *tiles.shape[1:])
    upright = grid.permute(0, 3, 1, 4, 2)
    return upright.reshape(rows * tiles.shape[2], columns * tiles.shape[3], 3)
