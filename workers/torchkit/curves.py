"""The picture of a training: losses above, shares from 0 to 1 below."""

import io
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def curve_picture(history: Sequence[Mapping[str, float]]) -> bytes:
    """A PNG of every named number against the step; names ending in ``loss`` are losses."""
    names = [name for name in history[0] if name != "step"]
    figure = Figure(figsize=(6, 5), layout="constrained")
    FigureCanvasAgg(figure)
    losses, shares = figure.subplots(2, 1, sharex=True)
    _draw(losses, history, [name for name in names if name.endswith("loss")])
    _draw(shares, history, [name for name in names if not name.endswith("loss")])
    losses.set_ylabel("training loss of one batch")
    shares.set_ylabel("share of held-out images")
    shares.set_ylim(0, 1.02)
    shares.set_xlabel("step")
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    return file.getvalue()


def _draw(axes: Axes, history: Sequence[Mapping[str, float]], names: Sequence[str]) -> None:
    steps = [one["step"] for one in history]
    for name, colour in zip(names, _COLOURS, strict=False):
        values = [one[name] for one in history]
        axes.plot(steps, values, marker=".", color=colour, label=name.replace("_", " "))
    axes.grid(color="#d9d9d9", linewidth=0.5)
    if names:
        axes.legend(frameon=False, fontsize="small")
