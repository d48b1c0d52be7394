"""The picture of the share that every source teaches."""

import io
from collections.abc import Mapping

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from workers.methods.adaptive_amalgamation.selection import SMALLEST_SHARE

_TAUGHT, _LEFT_OUT = "#0072B2", "#bdbdbd"
_INCHES_PER_BAR = 0.3


def selection_picture(shares: Mapping[str, Mapping[str, float]]) -> bytes:
    """A PNG with one bar per source of every task: the share of images that it teaches.

    Excluded sources are gray.
    """
    bars = sum(len(sources) for sources in shares.values())
    figure = Figure(figsize=(6, 0.8 * len(shares) + _INCHES_PER_BAR * bars), layout="constrained")
    FigureCanvasAgg(figure)
    heights = [len(sources) for sources in shares.values()]
    panels = figure.subplots(len(shares), 1, squeeze=False, sharex=True, height_ratios=heights)
    for axes, (task, sources) in zip(panels[:, 0], shares.items(), strict=True):
        values = list(sources.values())
        colors = [_TAUGHT if share >= SMALLEST_SHARE else _LEFT_OUT for share in values]
        positions = range(len(values))
        axes.barh(positions, values, color=colors)
        axes.set_yticks(positions, [name[:40] for name in sources], fontsize="small")
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.set_title(task[:60], fontsize="small", loc="left")
    panels[-1, 0].set_xlabel("share of the images that it teaches")
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    return file.getvalue()
