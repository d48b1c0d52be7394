"""A picture of attention is bright where a token attends, and its labels have no missing glyphs."""

import io
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from workers.torchkit.speech.attention_pictures import (
    AttentionRows,
    attention_picture,
    shown_label,
)

TIMES = torch.arange(10) * 0.1 + 0.05


def pixels_of(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def brightest_seconds(picture: np.ndarray, row: int, *, tokens: int, top: int = 8) -> float:
    """Where the band of a token is brightest, looked up pixel by pixel."""
    line = picture[top + row * 20 + 10, 56 : 56 + 640]
    sums = [int(pixel.sum()) for pixel in line]
    columns = [column for column, value in enumerate(sums) if value == max(sums)]
    assert row < tokens
    return sum(columns) / len(columns) / 640


def test_each_row_is_brightest_where_its_token_attends() -> None:
    weights = torch.full((3, 10), 0.05)
    for row, frame in enumerate((1, 5, 8)):
        weights[row, frame] = 0.55

    picture = pixels_of(attention_picture(AttentionRows(("a", "b", "c"), weights, TIMES, 1.0)))

    for row, frame in enumerate((1, 5, 8)):
        seconds = brightest_seconds(picture, row, tokens=3)
        assert seconds == pytest.approx(float(TIMES[frame]), abs=0.01)


def test_a_strip_of_crops_lies_above_in_the_order_of_time() -> None:
    crops = (torch.arange(20, dtype=torch.uint8) * 12)[:, None, None].expand(20, 24, 48)
    rows = AttentionRows(("a",), torch.full((1, 10), 0.1), TIMES, 1.0)

    picture = pixels_of(attention_picture(rows, crops))

    strip = picture[8 + 20, 56 + 10 : 56 + 630, 0]
    assert strip[0] < 40
    assert strip[-1] > 180
    assert (np.diff(strip) >= 0).all()


def test_a_text_without_tokens_and_a_very_long_one_are_drawn() -> None:
    empty = AttentionRows((), torch.zeros(0, 10), TIMES, 1.0)
    long = AttentionRows(("a",) * 900, torch.full((900, 10), 0.1), TIMES, 1.0)

    assert pixels_of(attention_picture(empty)).shape[1] == 704
    assert pixels_of(attention_picture(long)).shape[0] < 2000


@pytest.mark.parametrize(
    ("token", "label"),
    [
        ("a", "a"),
        ("é", "é"),
        ("shū4", "shū4"),
        ("书", "shū"),
        ("水饺", "shuǐjiǎo"),
        (" ", "␣"),
        ("\x07", "7"),
        ("\u0e01", "7"),
    ],
)
def test_a_token_that_the_font_lacks_is_labeled_by_its_pinyin_or_position(
    token: str, label: str
) -> None:
    assert shown_label(token, 7) == label


def test_without_the_library_of_pinyin_the_position_is_the_label(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pypinyin", None)

    assert shown_label("书", 7) == "7"
