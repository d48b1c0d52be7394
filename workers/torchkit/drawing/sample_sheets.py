"""A contact sheet of training images, as a person would see them."""

import math

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from service.core.manifest import InputSpec
from workers.torchkit.drawing.rendering import png
from workers.torchkit.training.teachers import in_color

LARGEST_SHEET = 64
_GAP = 2
_SMALLEST_TILE = 64


def sample_sheet(images: Float[Tensor, "image channel row column"], spec: InputSpec) -> bytes:
    """A PNG grid of the first 64 images; small images are enlarged by whole factors.

    Args:
        images: In the input space of ``spec``; values beyond its range are clipped.
    """
    colors = in_color(images[:LARGEST_SHEET].detach().float().cpu(), spec).clamp(0, 1)
    enlargement = max(1, _SMALLEST_TILE // spec.width)
    tiles = (colors * 255).round().to(torch.uint8)
    tiles = tiles.repeat_interleave(enlargement, dim=2).repeat_interleave(enlargement, dim=3)
    return png(_in_rows(functional.pad(tiles, (_GAP,) * 4, value=255)))


def _in_rows(tiles: UInt8[Tensor, "image 3 row column"]) -> UInt8[Tensor, "high wide 3"]:
    """Equal tiles arranged in a roughly square grid; missing tiles are white."""
    columns = math.ceil(math.sqrt(len(tiles)))
    rows = math.ceil(len(tiles) / columns)
    missing = tiles.new_full((rows * columns - len(tiles), *tiles.shape[1:]), 255)
    grid = torch.cat([tiles, missing]).reshape(rows, columns, *tiles.shape[1:])
    upright = grid.permute(0, 3, 1, 4, 2)
    return upright.reshape(rows * tiles.shape[2], columns * tiles.shape[3], 3)
