"""``python -m workers.demo_zoo.sheet PICTURES SHEET`` lays heat maps out, one network a row.

Files are called ``RANK NAME INDEX.png``.
"""

import sys
from pathlib import Path

from PIL import Image

from service.core.catalogue.attribution_map import Style
from workers.torchkit.heat_map_sheet import heat_map_legend
from workers.torchkit.picture_sheets import Sheet, draw_sheet


def sheet(pictures: Path) -> Image.Image:
    """All pictures of a folder: rows by rank, columns by index, titles of rows at the left."""
    rows: dict[str, list[Path]] = {}
    for path in sorted(pictures.glob("*.png")):
        rows.setdefault(path.stem.rpartition(" ")[0], []).append(path)
    columns = max(map(len, rows.values()), default=0)
    return draw_sheet(
        Sheet(
            title="What the networks of the demo look at",
            note="Best network for the target first, ranked by depara.",
            row_titles=[_row_title(caption) for caption in rows],
            column_titles=[f"image {number}" for number in range(1, columns + 1)],
            rows=[[_opened(path) for path in paths] for paths in rows.values()],
            legend=heat_map_legend(Style.OVERLAY),
        )
    )


def _row_title(caption: str) -> str:
    rank, _, name = caption.partition(" ")
    return f"{int(rank)}. {name}"


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")


if __name__ == "__main__":
    sheet(Path(sys.argv[1])).save(sys.argv[2])
