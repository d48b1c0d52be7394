"""The true affinities beside what DEPARA says, as one picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from scipy.stats import rankdata

PANELS = {
    "truth": "truth: mean win rate",
    "DEPARA, λ = 0.25": "DEPARA, λ = 0.25",
    "DEPARA plus": "DEPARA plus",
}


def save(facts: Mapping[str, Any], path: Path) -> None:
    """One matrix each, targets down, sources across; ranks within a target, the best dark."""
    with mpl.rc_context({"font.size": 7}):
        figure = Figure(figsize=(13, 5), layout="constrained")
        axes = figure.subplots(1, len(PANELS), sharey=True)
        for axis, (name, title) in zip(axes, PANELS.items(), strict=True):
            table = facts["wins"] if name == "truth" else facts["scores"][name]
            _draw(axis, np.array(table), facts)
            axis.set_title(title)
        axes[0].set_yticks(range(len(facts["targets"])), facts["targets"])
        axes[0].set_ylabel("target")
        canvas = FigureCanvasAgg(figure)
        canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    drawn = Image.fromarray(pixels).convert("RGB")
    drawn.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def _draw(axes: Axes, table: np.ndarray, facts: Mapping[str, Any]) -> None:
    """Ranks of sources for every target; the target's own network stays white."""
    ranks = np.full(table.shape, np.nan)
    for row, own in enumerate(facts["itself"]):
        others = np.delete(np.arange(table.shape[1]), own)
        ranks[row, others] = rankdata(-table[row, others])
    axes.imshow(ranks, cmap="viridis", aspect="equal")
    axes.set_xticks(range(len(facts["sources"])), facts["sources"], rotation=90)
    axes.set_xlabel("source")
    for row in range(len(ranks)):
        for rank in range(1, 6):
            for column in np.flatnonzero(ranks[row] == rank):
                axes.text(float(column), row, str(rank), ha="center", va="center", color="white")
