"""Tiles in a grid with a title, titles of rows and columns, and a legend of their colors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from service.core.theme import Theme
from workers.torchkit.drawing.lettering import Weight, fitted, font, wrapped
from workers.torchkit.drawing.palettes import PALETTES, PlotPalette

MARGIN, GAP = 24, 8
_TITLE_SIZE, _NOTE_SIZE, _LABEL_SIZE = 24, 14, 13
_LINE = 1.35
_LARGEST_TILE, _SMALLEST_TILE, _TILES_WIDTH = 144, 56, 1440
_LARGEST_ROW_TITLE, _MOST_TITLE_LINES = 190, 3
_SMALLEST_WIDTH = 640
_BAR = (240, 16)


@dataclass(frozen=True)
class Legend:
    """What the colors mean.

    Attributes:
        bar: Colors from the lowest to the highest value, from left to right.
        ends: What the left end, the middle and the right end stand for.
        lines: Meaning, range and normalization in words.
    """

    bar: Image.Image
    ends: tuple[str, str, str]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """What a sheet shows.

    ``rows`` holds a tile or None per column, None is drawn as missing; a sheet whose colors mean
    nothing has no legend.
    """

    title: str
    note: str
    row_titles: Sequence[str]
    column_titles: Sequence[str]
    rows: Sequence[Sequence[Image.Image | None]]
    legend: Legend | None = None


@dataclass(frozen=True)
class _Measures:
    """Sizes of one sheet in pixels."""

    tile: int
    row_title: int
    width: int
    title_lines: tuple[str, ...]
    note_lines: tuple[str, ...]
    legend_lines: tuple[str, ...]

    @property
    def top(self) -> int:
        """Upper edge of the first row of tiles."""
        heading = _high(_TITLE_SIZE, self.title_lines) + _high(_NOTE_SIZE, self.note_lines)
        return MARGIN + heading + GAP + _high(_LABEL_SIZE, ("",)) + GAP

    def bottom(self, rows: int) -> int:
        """Upper edge of the legend."""
        return self.top + rows * (self.tile + GAP) + 2 * GAP


def tile_side(columns: int) -> int:
    """Side of a tile in pixels: 144, or less where many columns would make a sheet too wide."""
    return max(_SMALLEST_TILE, min(_LARGEST_TILE, _TILES_WIDTH // max(1, columns) - GAP))


def draw_sheet(sheet: Sheet, theme: Theme = Theme.LIGHT) -> Image.Image:
    """The sheet as one picture, as large as it needs to be."""
    measures, palette = _measures(sheet), PALETTES[theme]
    height = measures.bottom(len(sheet.rows)) + _legend_height(sheet, measures) + MARGIN
    canvas = Image.new("RGB", (measures.width, height), palette.page)
    pen = ImageDraw.Draw(canvas)
    _write_heading(pen, measures, palette)
    _write_column_titles(pen, sheet, measures, palette)
    for number, (title, tiles) in enumerate(zip(sheet.row_titles, sheet.rows, strict=True)):
        top = measures.top + number * (measures.tile + GAP)
        _write_row_title(pen, title, measures, top=top, palette=palette)
        for column, tile in enumerate(tiles):
            left = MARGIN + measures.row_title + column * (measures.tile + GAP)
            _put_tile(canvas, tile, (left, top), side=measures.tile, palette=palette)
    if sheet.legend is not None:
        below = measures.bottom(len(sheet.rows))
        _put_legend(canvas, sheet.legend, measures, top=below, palette=palette)
    return canvas


def _measures(sheet: Sheet) -> _Measures:
    columns = max((len(row) for row in sheet.rows), default=0)
    side, letters = tile_side(columns), font(_LABEL_SIZE)
    longest = max(
        (letters.getlength(" ".join(title.split())) for title in sheet.row_titles), default=0
    )
    row_title = min(_LARGEST_ROW_TITLE, round(longest)) + 2 * GAP
    width = max(_SMALLEST_WIDTH, 2 * MARGIN + row_title + columns * (side + GAP) - GAP)
    room = float(width - 2 * MARGIN)
    beside_bar = room - _BAR[0] - 3 * GAP
    return _Measures(
        side,
        row_title,
        width,
        tuple(wrapped(sheet.title, font(_TITLE_SIZE, Weight.BOLD), room)),
        tuple(wrapped(sheet.note, font(_NOTE_SIZE), room)),
        tuple(_all_wrapped(sheet.legend.lines if sheet.legend else (), beside_bar)),
    )


def _legend_height(sheet: Sheet, measures: _Measures) -> int:
    if sheet.legend is None:
        return 0
    return max(_BAR[1] + 2 * _LABEL_SIZE, _high(_NOTE_SIZE, measures.legend_lines))


def _all_wrapped(lines: Sequence[str], room: float) -> Iterator[str]:
    for line in lines:
        yield from wrapped(line, font(_NOTE_SIZE), room)


def _high(size: int, lines: Sequence[str]) -> int:
    return round(_LINE * size * len(lines))


def _write_heading(pen: ImageDraw.ImageDraw, measures: _Measures, palette: PlotPalette) -> None:
    y: float = MARGIN
    for size, weight, lines in (
        (_TITLE_SIZE, Weight.BOLD, measures.title_lines),
        (_NOTE_SIZE, Weight.REGULAR, measures.note_lines),
    ):
        for line in lines:
            pen.text((MARGIN, y), line, fill=palette.ink, font=font(size, weight))
            y += _LINE * size


def _write_column_titles(
    pen: ImageDraw.ImageDraw, sheet: Sheet, measures: _Measures, palette: PlotPalette
) -> None:
    letters = font(_LABEL_SIZE)
    for column, title in enumerate(sheet.column_titles):
        left = MARGIN + measures.row_title + column * (measures.tile + GAP)
        middle = (left + measures.tile / 2, measures.top - GAP)
        words = fitted(title, letters, float(measures.tile))
        pen.text(middle, words, fill=palette.ink, font=letters, anchor="ms")


def _write_row_title(
    pen: ImageDraw.ImageDraw, title: str, measures: _Measures, *, top: int, palette: PlotPalette
) -> None:
    """Up to three lines left of the row, around its middle."""
    letters, room = font(_LABEL_SIZE), float(measures.row_title - 2 * GAP)
    lines = wrapped(title, letters, room)
    if len(lines) > _MOST_TITLE_LINES:
        rest = " ".join(lines[_MOST_TITLE_LINES - 1 :])
        lines[_MOST_TITLE_LINES - 1 :] = [fitted(rest, letters, room)]
    y = top + measures.tile / 2 - _LINE * _LABEL_SIZE * (len(lines) - 1) / 2
    for line in lines:
        pen.text((MARGIN, y), line, fill=palette.ink, font=letters, anchor="lm")
        y += _LINE * _LABEL_SIZE


def _put_tile(
    canvas: Image.Image,
    tile: Image.Image | None,
    corner: tuple[int, int],
    *,
    side: int,
    palette: PlotPalette,
) -> None:
    """The picture at its place, or a gray square that says that there is none."""
    if tile is not None:
        shrinks = tile.width >= side
        method = Image.Resampling.LANCZOS if shrinks else Image.Resampling.NEAREST
        canvas.paste(tile.convert("RGB").resize((side, side), method), corner)
        return
    canvas.paste(palette.missing, (*corner, corner[0] + side, corner[1] + side))
    middle = (corner[0] + side / 2, corner[1] + side / 2)
    letters = font(_LABEL_SIZE)
    pen = ImageDraw.Draw(canvas)
    pen.text(middle, "no map", fill=palette.ink, font=letters, anchor="mm")


def _put_legend(
    canvas: Image.Image, legend: Legend, measures: _Measures, *, top: int, palette: PlotPalette
) -> None:
    """The color bar with its values below, and beside it what they mean."""
    pen, (width, height), letters = ImageDraw.Draw(canvas), _BAR, font(_LABEL_SIZE)
    canvas.paste(legend.bar.convert("RGB").resize(_BAR), (MARGIN, top))
    frame = (MARGIN, top, MARGIN + width - 1, top + height - 1)
    pen.rectangle(frame, outline=palette.faint)
    below = top + height + GAP / 2
    for share, anchor, value in zip((0, 0.5, 1), ("la", "ma", "ra"), legend.ends, strict=True):
        at = (MARGIN + share * width, below)
        pen.text(at, value, fill=palette.ink, font=letters, anchor=anchor)
    for number, line in enumerate(measures.legend_lines):
        at = (MARGIN + width + 3 * GAP, top + number * _LINE * _NOTE_SIZE)
        pen.text(at, line, fill=palette.ink, font=font(_NOTE_SIZE))
