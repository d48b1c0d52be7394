"""Heat maps of several networks on several images as one picture that explains itself."""

import io
from collections.abc import Mapping, Sequence
from enum import StrEnum

import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from service.core.catalog.attribution_map import Style
from service.core.theme import Theme
from workers.torchkit.drawing.picture_sheets import Legend, Sheet, draw_sheet
from workers.torchkit.drawing.rendering import (
    draw,
    enlarged,
    over,
    strength_colors,
    strength_of,
    with_colormap,
)

_CHECKER = 4
_BAR_SHAPE = (16, 240)
_MEANINGS: Mapping[Style, str] = {
    Style.OVERLAY: (
        "Color and opacity: how strongly a pixel moves the network's feature (|attribution|, "
        "smoothed). Transparent: no influence."
    ),
    Style.ABSOLUTE: (
        "Bright: the pixel moves the network's feature strongly (|attribution|). "
        "Black: no influence."
    ),
    Style.SIGNED: (
        "Red: the pixel raises the network's feature. Blue: it lowers it. White: no influence."
    ),
}


class Normalization(StrEnum):
    """What the end of the color scale is: a map's own strength, or the largest of all maps."""

    PER_MAP = "per_map"
    SHARED = "shared"


def draw_heat_map_sheet(
    originals: Sequence[UInt8[Tensor, "side side 3"]],
    maps: Sequence[Sequence[Float[Tensor, "grid grid"] | None]],
    *,
    row_titles: Sequence[str],
    column_titles: Sequence[str],
    title: str,
    note: str = "",
    style: Style = Style.OVERLAY,
    normalization: Normalization = Normalization.PER_MAP,
    theme: Theme = Theme.LIGHT,
) -> bytes:
    """A PNG: the images in the first row, below them one row of maps per network, and a legend.

    Args:
        originals: One image per column.
        maps: One row per network, one map per image; None where there is none.
        row_titles: One per network; the first row is titled "image".
        column_titles: One per image.
    """
    strengths = [
        strength_of(plane, image.shape[0], style)
        for row in maps
        for plane, image in zip(row, originals, strict=True)
        if plane is not None
    ]
    scale = max(strengths, default=1.0) if normalization is Normalization.SHARED else None
    rows: list[list[Image.Image | None]] = [[_tile(enlarged(image)) for image in originals]]
    for row in maps:
        drawn = zip(row, originals, strict=True)
        rows.append(
            [
                None if plane is None else _tile(draw(plane, image, style, scale=scale))
                for plane, image in drawn
            ]
        )
    sheet = Sheet(
        title,
        note,
        ("image", *row_titles),
        tuple(column_titles),
        rows,
        heat_map_legend(style, scale),
    )
    file = io.BytesIO()
    draw_sheet(sheet, theme).save(file, format="PNG")
    return file.getvalue()


def heat_map_legend(style: Style, scale: float | None = None) -> Legend:
    """Colors, range and normalization of a style.

    Args:
        scale: The value at the end of a scale that all maps share; None where each map is scaled
            by itself.
    """
    end = "1" if scale is None else f"{scale:.3g}"
    half = "0.5" if scale is None else f"{scale / 2:.3g}"
    ends = (f"−{end}", "0", end) if style is Style.SIGNED else ("0", half, end)
    words = (
        "Each map is scaled by itself: 1 is the 99.5th percentile of its absolute values."
        if scale is None
        else "All maps share one scale: it ends at the largest 99.5th percentile of absolute values."
    )
    return Legend(_tile(_bar(style)), ends, (_MEANINGS[style], words))


def _bar(style: Style) -> UInt8[Tensor, "row column 3"]:
    """The colors of a style from the lowest value to the highest; a checkerboard shines through."""
    values = torch.linspace(0, 1, _BAR_SHAPE[1]).expand(_BAR_SHAPE)
    if style is Style.SIGNED:
        return with_colormap(values, "RdBu_r")
    if style is Style.ABSOLUTE:
        return with_colormap(values, "inferno")
    row, column = (torch.arange(size) // _CHECKER for size in _BAR_SHAPE)
    checker = ((row[:, None] + column) % 2).float()
    ground = (150 + 80 * checker)[..., None].expand(*_BAR_SHAPE, 3)
    return over(strength_colors(values), values, ground)


def _tile(picture: UInt8[Tensor, "row column 3"]) -> Image.Image:
    return Image.fromarray(picture.numpy())
