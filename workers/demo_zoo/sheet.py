"""``python -m workers.demo_zoo.sheet PICTURES SHEET``: a sheet of heat maps, one network per row.

Files are named ``RANK NAME INDEX.png``.
"""

import sys
from pathlib import Path

from PIL import Image, ImageDraw

SIDE = 96
CAPTION = 180
MARGIN = 4


def sheet(pictures: Path) -> Image.Image:
    """All pictures of a folder: rows by rank, columns by index, names at the left."""
    rows: dict[str, list[Path]] = {}
    for path in sorted(pictures.glob("*.png")):
        rows.setdefault(path.stem.rpartition(" ")[0], []).append(path)
    columns = max(map(len, rows.values()), default=0)
    step = SIDE + MARGIN
    canvas = Image.new("RGB", (CAPTION + columns * step, max(1, len(rows)) * step), "white")
    pen = ImageDraw.Draw(canvas)
    for row, (caption, paths) in enumerate(rows.items()):
        rank, _, name = caption.partition(" ")
        pen.text((MARGIN, row * step + SIDE // 2), f"{int(rank)}. {name}", fill="black")
        for column, path in enumerate(paths):
            with Image.open(path) as picture:
                tile = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.NEAREST)
            canvas.paste(tile, (CAPTION + column * step, row * step))
    return canvas


if __name__ == "__main__":
    sheet(Path(sys.argv[1])).save(sys.argv[2])
