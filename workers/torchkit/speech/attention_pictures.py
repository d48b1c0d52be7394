"""What each token of a text attends to, as a picture: tokens downward, seconds to the right.

Axes: ``token``; ``time`` frames of the features; ``frame`` of the clip; ``row`` and ``column`` of a
crop.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw
from torch import Tensor

from service.core.theme import Theme
from workers.torchkit.drawing.lettering import Weight, fitted, font
from workers.torchkit.drawing.palettes import PALETTES

_WIDTH, _LABELS, _MARGIN, _AXIS = 640, 56, 8, 20
_TALLEST, _ROW, _LEAST_ROW, _LETTERED_ROW = 1600, 20, 2, 12
_STRIP, _LETTERS = 40, 11
_SPACE = "␣"
_TICKS = 8


@dataclass(frozen=True)
class AttentionRows:
    """What each token attends to.

    Attributes:
        tokens: The tokens of the text.
        weights: Mass of each token over the frames of the features.
        times: Middle of each of these frames in seconds.
        seconds: Length of the clip.
    """

    tokens: Sequence[str]
    weights: Float[Tensor, "token time"]
    times: Float[Tensor, " time"]
    seconds: float


def attention_picture(
    attention: AttentionRows, crops: UInt8[Tensor, "frame row column"] | None = None
) -> bytes:
    """The attention as PNG, with a strip of the crops above it, if there are any.

    A Chinese token, which the font lacks, is labeled by its pinyin; any other that it lacks by its
    position, counted from 1.
    """
    palette = PALETTES[Theme.LIGHT]
    rows = max(1, len(attention.tokens))
    high = max(_LEAST_ROW, min(_ROW, _TALLEST // rows))
    top = _MARGIN + (0 if crops is None else _STRIP + _MARGIN)
    size = (_LABELS + _WIDTH + _MARGIN, top + rows * high + _AXIS)
    picture = Image.new("RGB", size, palette.page)
    if crops is not None and len(crops):
        picture.paste(_strip(crops), (_LABELS, _MARGIN))
    picture.paste(_rows(attention, rows * high), (_LABELS, top))
    pen, letters = ImageDraw.Draw(picture), font(_LETTERS)
    if high >= _LETTERED_ROW:
        for index, token in enumerate(attention.tokens):
            label = fitted(shown_label(token, index + 1), letters, float(_LABELS - _MARGIN))
            right = _LABELS - _MARGIN // 2 - letters.getlength(label)
            pen.text((right, top + index * high + 3), label, fill=palette.ink, font=letters)
    for x, label in _seconds_axis(attention.seconds):
        left = min(_LABELS + x, size[0] - letters.getlength(label))
        pen.text((left, top + rows * high + 3), label, fill=palette.ink, font=letters)
    return _png(picture)


def shown_label(token: str, position: int) -> str:
    """The token; if the font lacks a letter of it, its pinyin, or else its position."""
    if token.isspace():
        return _SPACE
    has_all = all(_letters().get_char_index(ord(letter)) for letter in token)
    return token if has_all and token.isprintable() else _pinyin(token) or str(position)


def _pinyin(token: str) -> str:
    """The reading of a token with tone marks, which the font has; empty where there is none."""
    try:
        from pypinyin import Style, lazy_pinyin
    except ImportError:
        return ""
    return "".join(lazy_pinyin(token, style=Style.TONE, errors="ignore"))


@cache
def _letters() -> FT2Font:
    return FT2Font(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / Weight.REGULAR))


def _rows(attention: AttentionRows, high: int) -> Image.Image:
    """One band of color for each token; dark where it attends to nothing."""
    colors = np.zeros((1, 1, 3), dtype=np.uint8)
    weights, times = attention.weights.double().numpy(), attention.times.double().numpy()
    if weights.size:
        middles = (np.arange(_WIDTH) + 0.5) / _WIDTH * attention.seconds
        nearest = np.abs(middles[:, None] - times[None]).argmin(1)
        shades = weights[:, nearest] / max(float(weights.max()), 1e-9)
        colors = (mpl.colormaps["magma"](shades)[..., :3] * 255).round().astype(np.uint8)
    return Image.fromarray(colors).resize((_WIDTH, high), Image.Resampling.NEAREST)


def _strip(crops: UInt8[Tensor, "frame row column"]) -> Image.Image:
    """Crops side by side, evenly chosen, in the order of time."""
    rows, columns = crops.shape[1:]
    wide = max(1, round(_STRIP * columns / rows))
    count = max(1, _WIDTH // wide)
    strip = Image.new("L", (_WIDTH, _STRIP), 255)
    for index in range(count):
        frame = min(len(crops) - 1, int((index + 0.5) / count * len(crops)))
        crop = Image.fromarray(crops[frame].numpy()).resize((wide, _STRIP))
        strip.paste(crop, (round(index * _WIDTH / count), 0))
    return strip


def _seconds_axis(seconds: float) -> list[tuple[int, str]]:
    """Horizontal positions and labels of round numbers of seconds."""
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
    step = next((step for step in steps if seconds / step <= _TICKS), 200)
    marks = np.arange(0, seconds, step)
    return [(round(mark / seconds * _WIDTH), f"{mark:.3g} s") for mark in marks.tolist()]


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
