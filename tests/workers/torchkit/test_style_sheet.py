"""A sheet of stylized pictures shows every picture whole, in its row and column."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import UInt8

from workers.torchkit.drawing.style_sheet import style_sheet

RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)


def plain(color: tuple[int, ...], height: int = 30, width: int = 60) -> UInt8[np.ndarray, "..."]:
    return np.full((height, width, len(color)), color, dtype=np.uint8)


def pixels_like(sheet: UInt8[np.ndarray, "..."], color: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of the part that has this color."""
    rows, columns = np.nonzero((np.abs(sheet.astype(int) - color) <= 2).all(2))
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def test_tiles_keep_their_proportions() -> None:
    sheet = style_sheet([plain(RED)], [plain(GREEN, 80, 40)], [plain(BLUE)])

    assert pixels_like(sheet, RED) == (72, 144)
    assert pixels_like(sheet, GREEN) == (144, 72)
    assert pixels_like(sheet, BLUE) == (72, 144)


def test_transparent_parts_show_the_page() -> None:
    sheet = style_sheet([plain((*RED, 0))], [plain(GREEN)], [plain((*BLUE, 255))])

    assert not (sheet == RED).all(2).any()
    assert pixels_like(sheet, BLUE) == (72, 144)


def test_pictures_are_painted_one_by_one_in_their_order() -> None:
    asked: list[int] = []

    def painted() -> Iterator[UInt8[np.ndarray, "..."]]:
        for number, color in enumerate((RED, GREEN, BLUE, RED)):
            asked.append(number)
            yield plain(color)

    sheet = style_sheet([plain((9, 9, 9))] * 2, [plain((9, 9, 9))] * 2, painted())

    assert asked == [0, 1, 2, 3]
    first_green = np.argwhere((sheet == GREEN).all(2))[0]
    first_blue = np.argwhere((sheet == BLUE).all(2))[0]
    assert first_green[0] < first_blue[0]
    assert first_green[1] > first_blue[1]


def test_the_largest_sheet_is_bounded() -> None:
    for contents, styles in ((64, 1), (4, 16), (8, 8)):
        sheet = style_sheet(
            [plain(RED)] * contents, [plain(GREEN)] * styles, [plain(BLUE)] * contents * styles
        )

        assert max(sheet.shape[:2]) <= 10_240
        assert sheet.size <= 24 * 1024**2
