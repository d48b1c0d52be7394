"""Text in pictures of pixels: DejaVu Sans as matplotlib ships it, so nothing is loaded elsewhere."""

from enum import StrEnum
from functools import cache
from pathlib import Path

import matplotlib as mpl
from PIL import ImageFont

_ELLIPSIS = "…"


class Weight(StrEnum):
    """The two cuts of the font that pictures use, by their files."""

    REGULAR = "DejaVuSans.ttf"
    BOLD = "DejaVuSans-Bold.ttf"


@cache
def font(size: int, weight: Weight = Weight.REGULAR) -> ImageFont.FreeTypeFont:
    """The font at a size in pixels; laid out the same on every machine."""
    path = Path(mpl.get_data_path()) / "fonts" / "ttf" / weight
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def fitted(text: str, letters: ImageFont.FreeTypeFont, room: float) -> str:
    """The text on one line, cut with an ellipsis where it is wider than its room in pixels."""
    line = " ".join(text.split())
    if letters.getlength(line) <= room:
        return line
    while line and letters.getlength(line + _ELLIPSIS) > room:
        line = line[:-1]
    return line.rstrip() + _ELLIPSIS


def wrapped(text: str, letters: ImageFont.FreeTypeFont, room: float) -> list[str]:
    """The text in lines no wider than its room; a longer word is cut."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and letters.getlength(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(fitted(word, letters, room))
    return lines
