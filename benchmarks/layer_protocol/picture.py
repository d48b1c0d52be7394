"""Accuracy and score by cut: one small panel for every pair of source and target."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.layer_protocol.cuts import AMPLE, SCARCE
from benchmarks.layer_protocol.judging import PRESETS, Row, combined

_COLORS = {SCARCE: "#c2571a", AMPLE: "#1f5fa8"}
_COLUMNS = 5


def drawn(rows: Sequence[Row], path: Path) -> None:
    """Write the picture; means over seeds, the score stretched to the panel's height."""
    pairs = list(dict.fromkeys((row["source"], row["target"]) for row in rows))
    lines = -(-len(pairs) // _COLUMNS)
    figure = Figure(figsize=(2.55 * _COLUMNS, 2.05 * lines + 0.5), dpi=80)
    FigureCanvasAgg(figure)
    panels = figure.subplots(lines, _COLUMNS, squeeze=False).flatten()
    for panel, (source, target) in zip(panels, pairs, strict=False):
        own = [row for row in rows if (row["source"], row["target"]) == (source, target)]
        _panel(panel, own, f"{source} → {target}")
    for panel in panels[len(pairs) :]:
        panel.axis("off")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="lower center", ncol=4, fontsize=9, frameon=False)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    figure.savefig(path)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)


def _panel(panel: Axes, rows: Sequence[Row], title: str) -> None:
    cuts = rows[0]["cuts"]
    for share in sorted({row["share"] for row in rows}):
        own = [row for row in rows if row["share"] == share]
        accuracies = 100 * _mean([row["accuracies"] for row in own])
        scores = _mean([combined(row["nodes"], row["edges"], PRESETS[share]) for row in own])
        color = _COLORS[share]
        panel.plot(
            cuts, accuracies, "o-", color=color, ms=3, lw=1.4, label=f"accuracy, {share:.0%}"
        )
        stretched = _stretched(scores, accuracies)
        label = f"DEPARA, λ = {PRESETS[share]:g}, stretched"
        panel.plot(cuts, stretched, "--", color=color, lw=1.1, alpha=0.75, label=label)
        panel.plot(cuts[int(scores.argmax())], stretched.max(), "v", color=color, ms=6)
    panel.set_title(title, fontsize=8.5)
    panel.set_xticks(cuts)
    panel.tick_params(labelsize=7)
    panel.grid(alpha=0.25)


def _mean(lists: Sequence[Sequence[float]]) -> np.ndarray:
    mean: np.ndarray = np.mean(np.array(lists), axis=0)
    return mean


def _stretched(scores: np.ndarray, accuracies: np.ndarray) -> np.ndarray:
    """Scores moved and scaled onto the range of the accuracies."""
    span = float(np.ptp(scores)) or 1.0
    moved: np.ndarray = accuracies.min() + (scores - scores.min()) / span * np.ptp(accuracies)
    return moved
