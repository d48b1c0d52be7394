"""The pictures of the documentation, redrawn from a zoo that ``zooscope demo`` has filled.

    python -m benchmarks.documentation_pictures URL KEY [--folder docs/pictures]

URL and KEY are those of the running demo. Ranking and lineage are SVG, as are the maps; the sheet
of heat maps and the learning curve are PNG. Each comes in a light and a dark variant.
"""

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table
from rich.terminal_theme import TerminalTheme
from safetensors.torch import load_file

from service.core.catalog.attribution_map import MAPS
from service.core.theme import Theme
from workers.torchkit.drawing.curves import curve_picture
from workers.torchkit.drawing.heat_map_sheet import draw_heat_map_sheet
from workers.torchkit.drawing.palettes import PALETTES
from workers.torchkit.drawing.vector_pictures import described
from zooscope import ZooClient
from zooscope.client.results import Ranking

PROBES, TARGET, STUDENT = "digits", "digits 5 to 9, labeled", "digits-pocket"
MODELS_ON_SHEET, IMAGES_ON_SHEET = 3, 5
SHEET_COLORS = 128
_COLUMNS = 74
# As rich writes it, without the fonts that it would load from elsewhere.
_TERMINAL = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" \
xmlns="http://www.w3.org/2000/svg"><style>
.{unique_id}-matrix {{ font-family: Menlo, Consolas, 'DejaVu Sans Mono', monospace;
font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style><defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix" xml:space="preserve">{matrix}</g></g></svg>
"""


def rgb(color: str) -> tuple[int, int, int]:
    """The three parts of ``#rrggbb``."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue


def terminal_theme(theme: Theme) -> TerminalTheme:
    """The palette of all pictures as a terminal's colors."""
    palette = PALETTES[theme]
    named = [palette.ink, *palette.categories]
    return TerminalTheme(rgb(palette.page), rgb(palette.ink), [rgb(color) for color in named])


def ranking_picture(ranking: Ranking, theme: Theme) -> bytes:
    """The ranking as a table of a terminal."""
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for heading in ("rank", "model", "score", "90 % interval", "nodes", "edges"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for item in ranking["items"]:
        interval = item["interval"]
        assert interval is not None
        table.add_row(
            str(item["rank"]),
            item["name"],
            f"{item['score']:.3f}",
            f"{interval[0]:.3f} … {interval[1]:.3f}",
            f"{item['node_similarity']:.3f}",
            f"{item['edge_similarity']:.3f}",
        )
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(table)
    console.print()
    title = "Which network to start from for the digits 5 to 9"
    picture = console.export_svg(
        title=title, theme=terminal_theme(theme), code_format=_TERMINAL, unique_id="ranking"
    )
    words = f"Ranking of {len(ranking['items'])} networks by DEPARA, best first: " + ", ".join(
        item["name"] for item in ranking["items"]
    )
    return described(picture.encode(), title=title, description=words)


class Demo:
    """The zoo of the demo, and what the pictures need of it."""

    def __init__(self, zoo: ZooClient) -> None:
        self.zoo = zoo
        self.probes = next(
            dataset["id"] for dataset in zoo.datasets.ls(name=PROBES) if dataset["name"] == PROBES
        )
        self.target = next(dataset["id"] for dataset in zoo.datasets.ls(name=TARGET))
        self.student = next(model for model in zoo.models.ls(name=STUDENT))

    def ranking(self) -> Ranking:
        """All networks for the labeled target."""
        return self.zoo.rank(probes=self.probes, dataset=self.target, metric="depara")

    def originals(self) -> list[torch.Tensor]:
        """The first probes."""
        return [
            torch.from_numpy(np.array(Image.open(io.BytesIO(data)).convert("RGB")))
            for data in (
                self.zoo.datasets.image(self.probes, index) for index in range(IMAGES_ON_SHEET)
            )
        ]

    def maps(self, model_ids: list[str], folder: Path) -> list[list[torch.Tensor]]:
        """The attribution maps of every network on the first probes."""
        inputs = {
            "model_ids": model_ids,
            "dataset_id": self.probes,
            "indices": list(range(IMAGES_ON_SHEET)),
        }
        job = self.zoo.jobs.wait(self.zoo.jobs.submit("attribution_map", inputs=inputs)["id"])
        artifacts = self.zoo.jobs.artifacts(job["id"])
        maps = next(artifact for artifact in artifacts if artifact["name"] == MAPS)
        path = folder / MAPS
        self.zoo.jobs.download(maps["id"], path)
        planes = load_file(path)
        path.unlink()
        return [list(planes[model_id].mean(dim=1)) for model_id in model_ids]

    def history(self) -> list[dict[str, float]]:
        """What the student's training measured."""
        job_id = self.student.get("job_id")
        assert job_id is not None
        events = self.zoo.jobs.watch(job_id)
        return [dict(event["data"]) for event in events if event["type"] == "metrics"]


def pictures(demo: Demo, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every picture with the name of its file."""
    ranking = demo.ranking()
    best = ranking["items"][:MODELS_ON_SHEET]
    originals = demo.originals()
    maps = demo.maps([item["model_id"] for item in best], folder)
    history = demo.history()
    for theme in Theme:
        yield f"ranking-{theme}.svg", ranking_picture(ranking, theme)
        sheet = draw_heat_map_sheet(
            originals,
            maps,
            row_titles=[f"{item['rank']}. {item['name']}" for item in best],
            column_titles=[f"probe {index}" for index in range(IMAGES_ON_SHEET)],
            title="What the best networks look at",
            note="gradient × input of the feature layer · probe set “digits”",
            theme=theme,
        )
        yield f"heat-maps-{theme}.png", _few_colors(sheet)
        yield f"learning-curve-{theme}.png", curve_picture(history, theme)
        for name in ("layout", "matrix", "tree"):
            file = demo.zoo.maps.content(
                demo.probes, format="svg", picture=name, theme=theme, linkage="average"
            )
            yield f"map-{name}-{theme}.svg", file
        lineage = folder / f"lineage-{theme}.svg"
        demo.zoo.models.draw_lineage(demo.student["id"], lineage, theme=theme)
        yield lineage.name, lineage.read_bytes()


def _few_colors(picture: bytes) -> bytes:
    """The same picture in a palette, which is a third of the size."""
    file = io.BytesIO()
    small = Image.open(io.BytesIO(picture)).convert("RGB")
    small.quantize(SHEET_COLORS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


def main() -> None:
    """Draw all pictures and print their sizes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("key")
    parser.add_argument("--folder", type=Path, default=Path("docs/pictures"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with ZooClient(options.url, key=options.key) as zoo:
        for name, data in pictures(Demo(zoo), options.folder):
            (options.folder / name).write_bytes(data)
            print(f"{name}  {len(data) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
