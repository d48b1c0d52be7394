"""A sheet of heat maps shows the images, the maps, what the colors mean, and cuts nothing off."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from service.core.catalog.attribution_map import Style
from service.core.theme import Theme
from workers.torchkit.drawing.heat_map_sheet import (
    Normalization,
    draw_heat_map_sheet,
    heat_map_legend,
)
from workers.torchkit.drawing.lettering import fitted, font, wrapped
from workers.torchkit.drawing.palettes import PALETTES
from workers.torchkit.drawing.picture_sheets import GAP, MARGIN, tile_side

pytestmark = pytest.mark.slow


def images(count: int) -> list[torch.Tensor]:
    numbers = torch.Generator().manual_seed(0)
    return [
        torch.randint(0, 256, (32, 32, 3), generator=numbers).to(torch.uint8) for _ in range(count)
    ]


def planes(rows: int, columns: int) -> list[list[torch.Tensor]]:
    numbers = torch.Generator().manual_seed(1)
    return [[torch.randn(16, 16, generator=numbers) for _ in range(columns)] for _ in range(rows)]


def sheet_of(rows: int, columns: int, **options: object) -> np.ndarray:
    arguments = {
        "row_titles": [f"network with rather a long name {row}" for row in range(rows)],
        "column_titles": [f"image {column}" for column in range(columns)],
        "title": "What networks look at",
        **options,
    }
    data = draw_heat_map_sheet(images(columns), planes(rows, columns), **arguments)  # type: ignore[arg-type]
    return np.array(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize(
    ("rows", "columns", "theme"),
    [(1, 1, Theme.LIGHT), (3, 6, Theme.LIGHT), (3, 6, Theme.DARK), (13, 24, Theme.LIGHT)],
)
def test_nothing_touches_the_margin_and_all_tiles_are_there(
    rows: int, columns: int, theme: Theme
) -> None:
    sheet = sheet_of(rows, columns, theme=theme)

    page = np.array([int(PALETTES[theme].page[at : at + 2], 16) for at in (1, 3, 5)])
    drawn = np.argwhere((sheet != page).any(axis=-1))
    low, high = drawn.min(axis=0), drawn.max(axis=0)
    assert (low >= MARGIN - GAP).all()
    assert (high <= np.array(sheet.shape[:2]) - MARGIN + GAP).all()
    assert high[0] - low[0] > (rows + 1) * (tile_side(columns) + GAP)


def test_the_images_stand_in_the_first_row() -> None:
    flat = [torch.full((32, 32, 3), level, dtype=torch.uint8) for level in (40, 200)]

    data = draw_heat_map_sheet(
        flat,
        [[torch.zeros(16, 16), None]],
        row_titles=["network"],
        column_titles=["a", "b"],
        title="t",
    )

    colors = {color for _, color in Image.open(io.BytesIO(data)).getcolors(1 << 24) or []}
    missing = PALETTES[Theme.LIGHT].missing
    assert {(40, 40, 40), (200, 200, 200)} <= colors
    assert tuple(bytes.fromhex(missing[1:])) in colors


def test_themes_differ_outside_the_tiles_alone() -> None:
    light, dark = sheet_of(2, 4), sheet_of(2, 4, theme=Theme.DARK)

    assert light.shape == dark.shape
    side = tile_side(4)
    left = light.shape[1] - MARGIN - side
    # The page lies around equal tiles: every column of a tile in the last column is equal.
    same = (light == dark).all(axis=-1)[:, left : left + side].all(axis=1)
    assert same.sum() >= 3 * side
    assert not (light == dark).all()


@pytest.mark.parametrize("style", Style)
def test_the_legend_shows_meaning_range_and_normalization(style: Style) -> None:
    own, shared = heat_map_legend(style), heat_map_legend(style, 0.25)

    assert "network's feature" in own.lines[0]
    assert own.ends == (("−1", "0", "1") if style is Style.SIGNED else ("0", "0.5", "1"))
    assert "99.5th percentile" in own.lines[1]
    assert shared.ends[-1] == "0.25"
    assert "share one scale" in shared.lines[1]


def test_a_shared_scale_draws_the_weaker_of_two_maps_weaker() -> None:
    image = images(1)
    spot = torch.zeros(16, 16)
    spot[4:8, 4:8] = 1

    sheets = [
        draw_heat_map_sheet(
            image,
            [[spot], [0.2 * spot]],
            row_titles=["strong", "weak"],
            column_titles=["i"],
            title="t",
            style=Style.ABSOLUTE,
            normalization=how,
        )
        for how in Normalization
    ]

    rows = [np.array(Image.open(io.BytesIO(data)).convert("L")).astype(int) for data in sheets]
    top = np.flatnonzero((rows[0] != rows[1]).any(axis=1))[0]
    per_map, shared = (row[top : top + tile_side(1) // 2].mean() for row in rows)
    assert shared < per_map


def test_text_is_cut_to_its_room_with_an_ellipsis() -> None:
    letters = font(13)

    assert fitted("short", letters, 200.0) == "short"
    cut = fitted("a name that is far too long for this", letters, 90.0)
    assert cut.endswith("…")
    assert letters.getlength(cut) <= 90
    assert all(
        letters.getlength(line) <= 90 for line in wrapped("some words and more", letters, 90.0)
    )
