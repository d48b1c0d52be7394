"""The picture of a training: losses, held-out quality and other shares, one panel each."""

import io
import re
from collections.abc import Callable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from service.core.theme import Theme
from workers.torchkit.drawing.palettes import PALETTES, PlotPalette, drawn_with

_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_QUALITY = re.compile(r"accuracy|precision|iou|agreement")
_NUMBER = re.compile(r"_?\d+")
_STEP = "training step (number of batches)"
# A line is thinner than those below it, so that equal values hide none.
_WIDEST, _NARROWEST = 3.2, 1.2
_PANEL_INCHES, _LABEL_INCHES = 2.4, 0.21
_BESIDE = 1.05

History = Sequence[Mapping[str, float]]


def curve_picture(history: History, theme: Theme = Theme.LIGHT) -> bytes:
    """A PNG of every named number against the step, where it is known.

    Names ending in ``loss`` are losses; of the others those are drawn that are never above 1.
    """
    palette = PALETTES[theme]
    with drawn_with(palette):
        figure = curve_figure(history, palette)
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=120, bbox_inches="tight", pad_inches=0.15)
    return file.getvalue()


def curve_figure(history: History, palette: PlotPalette) -> Figure:
    """One panel for each kind of number; every line has its own color and its name at its end."""
    panels = [(label(names), names) for label, names in _kinds(history) if names]
    panels = panels or [(_loss_label([]), [])]
    heights = [max(_PANEL_INCHES, _LABEL_INCHES * (len(names) + 1)) for _, names in panels]
    figure = Figure(figsize=(8, sum(heights) + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    ratios = {"height_ratios": heights}
    rows = figure.subplots(len(panels), 1, sharex=True, squeeze=False, gridspec_kw=ratios)
    for axes, (label, names) in zip(rows[:, 0], panels, strict=True):
        _draw(axes, history, names, palette)
        axes.set_ylabel(label)
        if not label.startswith("loss"):
            axes.set_ylim(0, 1.02)
        _name_ends(axes)
    rows[0, 0].set_title("Training", loc="left", weight="bold")
    rows[-1, 0].set_xlabel(_STEP)
    return figure


def _kinds(history: History) -> list[tuple[Callable[[Sequence[str]], str], list[str]]]:
    """Losses, quality on held-out images, and other shares, each with the label of its axis."""
    names = list(dict.fromkeys(name for entry in history for name in entry if name != "step"))
    losses = [name for name in names if name.endswith("loss")]
    within = [name for name in names if all(entry.get(name, 0) <= 1 for entry in history)]
    shares = [name for name in within if name not in losses]
    quality = [name for name in shares if _QUALITY.search(name)]
    others = [name for name in shares if name not in quality]
    return [(_loss_label, losses), (_quality_label, quality), (_share_label, others)]


def _loss_label(_names: Sequence[str]) -> str:
    return "loss of one batch (no unit)"


def _quality_label(names: Sequence[str]) -> str:
    return f"{_shown(names)}\non held-out images (0 to 1)"


def _share_label(names: Sequence[str]) -> str:
    return f"{_shown(names)} (0 to 1)"


def _shown(names: Sequence[str]) -> str:
    """What the lines of a panel show, without the numbers of tasks and teachers."""
    kinds = dict.fromkeys(
        _NUMBER.sub("", name).removeprefix("task_").strip("_").replace("_", " ") for name in names
    )
    *first, last = kinds
    return f"{', '.join(first)} and {last}" if first else last


def _draw(axes: Axes, history: History, names: Sequence[str], palette: PlotPalette) -> None:
    """One line per name, each of its own color, marker and width."""
    step = (_WIDEST - _NARROWEST) / max(1, len(names) - 1)
    for number, name in enumerate(names):
        width = _NARROWEST if len(names) == 1 else _WIDEST - number * step
        entries = [entry for entry in history if name in entry]
        axes.plot(
            [entry["step"] for entry in entries],
            [entry[name] for entry in entries],
            marker=_MARKERS[number % len(_MARKERS)],
            markersize=2 + 1.5 * width,
            linewidth=width,
            color=palette.series(number),
            label=name.replace("_", " "),
        )
    axes.grid(linewidth=0.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _name_ends(axes: Axes) -> None:
    """Write the name of every line beside its end, in its color and no two over each other."""
    lines: list[Line2D] = list(axes.get_lines())
    low, high = axes.get_ylim()
    ends = [(float(x[-1]), float(y[-1])) for x, y in (line.get_data() for line in lines)]  # type: ignore[index, arg-type]
    heights = _apart([(y - low) / (high - low) for _, y in ends])
    for line, end, height in zip(lines, ends, heights, strict=True):
        color = line.get_color()
        axes.annotate(
            str(line.get_label()),
            xy=end,
            xytext=(_BESIDE, height),
            textcoords="axes fraction",
            color=color,
            fontsize="small",
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": color,
                "linewidth": 0.6,
                "shrinkB": 0,
                "relpos": (0, 0.5),
            },
        )


def _apart(heights: Sequence[float]) -> list[float]:
    """Heights from 0 to 1 in the same order, moved so that names do not overlap."""
    gap = min(1 / max(1, len(heights) - 1), _LABEL_INCHES / _PANEL_INCHES)
    order = sorted(range(len(heights)), key=lambda index: (heights[index], -index))
    moved = dict.fromkeys(order, 0.0)
    floor = 0.0
    for index in order:
        moved[index] = max(heights[index], floor)
        floor = moved[index] + gap
    ceiling = 1.0
    for index in reversed(order):
        moved[index] = min(moved[index], ceiling)
        ceiling = moved[index] - gap
    return [moved[index] for index in range(len(heights))]
