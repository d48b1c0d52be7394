"""The picture of the share that every source teaches."""

import io
from collections.abc import Mapping

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from service.core.theme import Theme
from workers.methods.adaptive_amalgamation.selection import SMALLEST_SHARE
from workers.torchkit.drawing.palettes import PALETTES, PlotPalette, drawn_with

_INCHES_PER_BAR = 0.3
_LONGEST_NAME = 40


def selection_picture(
    shares: Mapping[str, Mapping[str, float]], theme: Theme = Theme.LIGHT
) -> bytes:
    """A PNG with a bar for every source of every task: the share of images that it teaches.

    Sources that are left out are gray.
    """
    palette = PALETTES[theme]
    with drawn_with(palette):
        figure = selection_figure(shares, palette)
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=120)
    return file.getvalue()


def selection_figure(shares: Mapping[str, Mapping[str, float]], palette: PlotPalette) -> Figure:
    """One panel per task, with a legend below."""
    bars = sum(len(sources) for sources in shares.values())
    figure = Figure(figsize=(7, 0.8 * len(shares) + _INCHES_PER_BAR * bars + 0.8))
    figure.set_layout_engine("constrained")
    FigureCanvasAgg(figure)
    heights = [len(sources) for sources in shares.values()]
    panels = figure.subplots(len(shares), 1, squeeze=False, sharex=True, height_ratios=heights)
    teaches, left_out = palette.category(0), palette.missing
    for axes, (task, sources) in zip(panels[:, 0], shares.items(), strict=True):
        values = list(sources.values())
        colors = [teaches if share >= SMALLEST_SHARE else left_out for share in values]
        rows = range(len(values))
        axes.barh(rows, values, color=colors)
        axes.set_yticks(rows, [_plain(name, _LONGEST_NAME) for name in sources], fontsize="small")
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.set_title(_plain(task, 60), fontsize="small", loc="left", weight="bold")
    panels[-1, 0].set_xlabel("share of the images that a source teaches (0 to 1)")
    keys = [Patch(color=teaches, label="teaches"), Patch(color=left_out, label="left out")]
    figure.legend(handles=keys, loc="outside lower right", ncols=2, frameon=False)
    return figure


def _plain(name: str, longest: int) -> str:
    """The name without what matplotlib would read as mathematics, cut where it is too long."""
    cut = name if len(name) <= longest else name[: longest - 1] + "…"
    return cut.replace("$", r"\$")
