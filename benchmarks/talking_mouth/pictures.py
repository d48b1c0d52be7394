"""Learning curves of all arms in docs/results: a thin line per seed, a thick one for their mean."""

import io
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.students.protocol import RESULTS
from benchmarks.talking_mouth.page import CASCADE_TITLES, LIP_TITLES
from benchmarks.talking_mouth.results import MAIN, Rows
from service.core.counts import counted
from service.core.theme import Theme
from workers.torchkit.drawing.palettes import PALETTES, drawn_with

LIPS_PICTURE, CASCADES_PICTURE = "talking_mouth_lips.png", "talking_mouth_cascades.png"
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_LEVELS = ("alone", "context", "sequence", "frame", "all")
# Where a cascade's own curve begins: the steps that its shared first stage has learned.
_FIRST_STEPS = 940

Curve = tuple[list[float], list[float]]


def write(results: Mapping[str, Any], folder: Path = RESULTS) -> None:
    """One picture of the levels of ``lip_by_speech``, one of the cascades; none without results."""
    rows: Rows = results.get(MAIN, {})
    if not rows:
        return
    levels = {name: LIP_TITLES[name] for name in _LEVELS}
    (folder / LIPS_PICTURE).write_bytes(picture(rows, levels, "held_out_error"))
    cascades = picture(rows, CASCADE_TITLES, "held_out_character_error")
    (folder / CASCADES_PICTURE).write_bytes(cascades)


def picture(rows: Rows, titles: Mapping[str, str], error: str) -> bytes:
    """A PNG of the error rate of every measured arm against the steps it has learned."""
    palette = PALETTES[Theme.LIGHT]
    with drawn_with(palette):
        figure = Figure(figsize=(9, 4.6), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        for number, (name, title) in enumerate(titles.items()):
            curves = [curve(arms[name], error) for arms in rows.values() if name in arms]
            color, marker = palette.series(number), _MARKERS[number % len(_MARKERS)]
            if curves:
                _draw_curves(axes, curves, color=color, marker=marker, label=title)
        _draw_floor(axes, rows, palette.faint)
        axes.set_xlabel("training steps (of a cascade: with its first stage)")
        axes.set_ylabel("character error rate, held-out sentences (%)")
        axes.set_ylim(0, 100)
        axes.grid(linewidth=0.5)
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside right upper", frameon=False, fontsize="small")
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=110)
    return file.getvalue()


def curve(row: Mapping[str, Any], error: str) -> Curve:
    """Steps that the network has learned, and its error rate in %, where it is known."""
    before = _FIRST_STEPS if row["details"].get("shared_first_stage") else 0
    entries = [entry for entry in row["history"] if error in entry]
    return [entry["step"] + before for entry in entries], [100 * entry[error] for entry in entries]


def _draw_curves(axes: Axes, curves: Sequence[Curve], *, label: str, **style: str) -> None:
    """A thin line per seed, and their mean."""
    for steps, rates in curves:
        axes.plot(steps, rates, color=style["color"], linewidth=0.7, alpha=0.6)
    means = np.mean([rates for _, rates in curves], axis=0)
    label = f"{label.replace('`', '')} ({counted(len(curves), 'seed')})"
    axes.plot(curves[0][0], means, linewidth=2, markersize=5, label=label, **style)


def _draw_floor(axes: Axes, rows: Rows, color: str) -> None:
    """What a perfect reader of syllables without tones would reach."""
    floor = statistics.fmean(100 * arms["floors"]["without_tones"] for arms in rows.values())
    axes.axhline(
        floor, color=color, linewidth=1, linestyle="--", label="perfect syllables, no tones"
    )
