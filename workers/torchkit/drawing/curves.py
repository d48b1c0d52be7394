"""The picture of a training: losses above, shares from 0 to 1 below."""

import io
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from service.core.theme import Theme
from workers.torchkit.drawing.palettes import PALETTES, PlotPalette, drawn_with

_LINE_STYLES = ("-", "--", ":")


def curve_picture(history: Sequence[Mapping[str, float]], theme: Theme = Theme.LIGHT) -> bytes:
    """A PNG of every named number against the step, where it is known.

    Names ending in ``loss`` are losses; of the others those are drawn that are never above 1.
    """
    palette = PALETTES[theme]
    with drawn_with(palette):
        figure = curve_figure(history, palette)
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=120, bbox_inches="tight", pad_inches=0.15)
    return file.getvalue()


def curve_figure(history: Sequence[Mapping[str, float]], palette: PlotPalette) -> Figure:
    """Both panels with titles, axes with units, and legends beside them."""
    names = list(dict.fromkeys(name for entry in history for name in entry if name != "step"))
    within = [name for name in names if all(entry.get(name, 0) <= 1 for entry in history)]
    figure = Figure(figsize=(8, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    losses, shares = figure.subplots(2, 1, sharex=True)
    _draw(losses, history, [name for name in names if name.endswith("loss")], palette)
    _draw(shares, history, [name for name in within if not name.endswith("loss")], palette)
    losses.set_title("Training", loc="left", weight="bold")
    losses.set_ylabel("loss of one batch (no unit)")
    shares.set_ylabel("share of held-out images (0 to 1)")
    shares.set_ylim(0, 1.02)
    shares.set_xlabel("training step (number of batches)")
    return figure


def _draw(
    axes: Axes, history: Sequence[Mapping[str, float]], names: Sequence[str], palette: PlotPalette
) -> None:
    """One line per name; where colors repeat, lines are dashed."""
    for number, name in enumerate(names):
        entries = [entry for entry in history if name in entry]
        axes.plot(
            [entry["step"] for entry in entries],
            [entry[name] for entry in entries],
            marker="o",
            markersize=3.5,
            linestyle=_LINE_STYLES[number // len(palette.categories) % len(_LINE_STYLES)],
            color=palette.category(number),
            label=name.replace("_", " "),
        )
    axes.grid(linewidth=0.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if names:
        handles: list[Line2D] = list(axes.get_lines())
        axes.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(1.01, 1.0),
            frameon=False,
            fontsize="small",
            borderaxespad=0.0,
        )
