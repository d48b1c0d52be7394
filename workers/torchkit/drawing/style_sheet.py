"""Contents in styles as one picture: styles above, contents at the left, both beside the results."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from service.core.theme import Theme
from workers.torchkit.drawing.palettes import PALETTES
from workers.torchkit.drawing.picture_sheets import Sheet, draw_sheet, tile_side

# Pictures of one sheet have sizes of their own.
Pixels = UInt8[np.ndarray, "_row _column _plane"]
_TITLE = "Images in styles"


def style_sheet(
    contents: Iterable[Pixels],
    styles: Iterable[Pixels],
    painted: Iterable[Pixels],
    *,
    note: str = "",
    theme: Theme = Theme.LIGHT,
) -> UInt8[np.ndarray, "height width 3"]:
    """The sheet; pictures are reduced to tiles one by one, so large ones take no memory together.

    Args:
        contents: One per row, RGB or with transparency, of any size.
        styles: One per column.
        painted: Every content in every style, content by content.
        note: How they were painted.
    """
    page = PALETTES[theme].page
    originals = list(styles)
    side = tile_side(len(originals) + 1)
    results = iter(painted)
    rows = [
        [Image.new("RGB", (side, side), page)] + [_tile(style, side, page) for style in originals]
    ]
    for content in contents:
        row = [_tile(content, side, page)]
        row += [_tile(next(results), side, page) for _ in originals]
        rows.append(row)
    row_titles = ["style", *(f"image {number}" for number in range(len(rows) - 1))]
    column_titles = ["original", *(f"style {number}" for number in range(len(originals)))]
    return np.asarray(draw_sheet(Sheet(_TITLE, note, row_titles, column_titles, rows), theme))


def _tile(pixels: Pixels, side: int, page: str) -> Image.Image:
    """The whole picture in a square, over the color of the page."""
    picture = Image.fromarray(pixels).convert("RGBA")
    fitted = ImageOps.pad(picture, (side, side), Image.Resampling.LANCZOS, color=(0, 0, 0, 0))
    tile = Image.new("RGBA", (side, side), page)
    tile.alpha_composite(fitted)
    return tile.convert("RGB")
