"""Crops of contents and styles, and the contact sheet that shows what was painted."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from workers.torchkit.drawing.rendering import png

SHEET = "contact_sheet.png"
SHEET_SIDE = 4
_GAP = 4


def random_crops(
    frames: UInt8[Tensor, "image side side 3"],
    count: int,
    *,
    size: int,
    generator: torch.Generator,
) -> Float[Tensor, "drawn 3 row column"]:
    """Drawn frames with repetition, each cropped and flipped at random, in [0, 1]."""
    indices = torch.randint(len(frames), (count,), generator=generator).tolist()
    slack = frames.shape[1] - size
    starts = torch.randint(slack + 1, (count, 2), generator=generator).tolist()
    flips = torch.randint(2, (count,), generator=generator).tolist()
    crops = []
    for index, (top, left), is_flipped in zip(indices, starts, flips, strict=True):
        crop = frames[index, top : top + size, left : left + size]
        crops.append(crop.flip(1) if is_flipped else crop)
    return as_colors(torch.stack(crops))


def center_crops(
    frames: UInt8[Tensor, "image side side 3"], size: int
) -> Float[Tensor, "image 3 row column"]:
    """The middle of every frame in [0, 1]."""
    start = (frames.shape[1] - size) // 2
    return as_colors(frames[:, start : start + size, start : start + size])


def as_colors(frames: UInt8[Tensor, "image row column 3"]) -> Float[Tensor, "image 3 row column"]:
    """Planes in [0, 1]."""
    return frames.permute(0, 3, 1, 2).float() / 255


def contact_sheet(
    contents: Float[Tensor, "content 3 row column"],
    styles: Float[Tensor, "style 3 row column"],
    painted: Sequence[Float[Tensor, "style 3 row column"]],
) -> bytes:
    """A PNG: styles above, contents at the left, and every content in every style."""
    corner = torch.ones_like(styles[:1])
    rows = [torch.cat([corner, styles])]
    rows += [
        torch.cat([content[None], row]) for content, row in zip(contents, painted, strict=True)
    ]
    tiles = [functional.pad(row.clamp(0, 1), (_GAP,) * 4, value=1.0) for row in rows]
    sheet = torch.cat([torch.cat(list(row), dim=2) for row in tiles], dim=1)
    return png((sheet * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous())
