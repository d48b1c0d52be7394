"""The picture of a training: losses above, shares from 0 to 1 below."""

import io
from collections.abc import Mapping, Sequence
from itertools import cycle

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def curve_picture(history: Sequence[Mapping[str, float]]) -> bytes:
    """A PNG of every named number against the step, where it is known.

    Names ending in ``loss`` are losses; of the others those are drawn that are never above 1.
    """
    names = list(dict.fromkeys(name for one in history for name in one if name != "step"))
    within = [name for name in names if all(one.get(name, 0) <= 1 for one in history)]
    figure = Figure(figsize=(6, 5), layout="constrained")
    FigureCanvasAgg(figure)
    losses, shares = figure.subplots(2, 1, sharex=True)
    _draw(losses, history, [name for name in names if name.endswith("loss")])
    _draw(shares, history, [name for name in within if not name.endswith("loss")])
    losses.set_ylabel("training loss of one batch")
    shares.set_ylabel("share of held-out images")
    shares.set_ylim(0, 1.02)
    shares.set_xlabel("step")
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    return file.getvalue()


def _draw(axes: Axes, history: Sequence[Mapping[str, float]], names: Sequence[str]) -> None:
    for name, colour in zip(names, cycle(_COLOURS), strict=False):
        known = [one for one in history if name in one]
        steps, values = [one["step"] for one in known], [one[name] for one in known]
        axes.plot(steps, values, marker=".", color=colour, label=name.replace("_", " "))
    axes.grid(color="#d9d9d9", linewidth=0.5)
    if names:
        axes.legend(frameon=False, fontsize="small")
