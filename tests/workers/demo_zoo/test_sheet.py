"""The demo's sheet has one row per network, in the order of the ranking."""

from pathlib import Path

from PIL import Image

from workers.demo_zoo.sheet import sheet
from workers.torchkit.picture_sheets import GAP, tile_side


def test_every_picture_has_its_tile(tmp_path: Path) -> None:
    colors = {"001 fox": (200, 30, 30), "002 hen": (30, 30, 200)}
    for name, color in colors.items():
        for index in range(3):
            Image.new("RGB", (256, 256), color).save(tmp_path / f"{name} {index}.png")

    page = sheet(tmp_path)

    pixels = {color: count for count, color in page.getcolors(1 << 24) or []}
    side = tile_side(3)
    assert all(pixels[color] == 3 * side * side for color in colors.values())
    assert page.width > 3 * (side + GAP)
