"""Pictures of a map: matrix in tree order, tree, and points in the plane; PNG and SVG."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import dendrogram

from workers.torchkit.layout import Layout
from workers.torchkit.trees import Tree, linkage_matrix

_MOST_NAMES = 80
_LONGEST_NAME = 28
_DOTS_PER_INCH = 120
_INK = "#1f3a5f"
_MOST_NUMBERS = 16


def pictures_of(
    names: tuple[str, ...],
    scores: Float64[np.ndarray, "model model"],
    tree: Tree,
    points: Layout,
) -> Mapping[str, bytes]:
    """Six files: ``matrix``, ``tree`` and ``layout``, each as PNG and SVG."""
    short = tuple(_shortened(name) for name in names)
    order = list(tree.order)
    drawn: dict[str, Callable[[Axes], None]] = {
        "matrix": lambda axes: draw_matrix(axes, scores, short, order),
        "tree": lambda axes: draw_tree(axes, tree, short),
        "layout": lambda axes: draw_layout(axes, points, short),
    }
    files: dict[str, bytes] = {}
    for name, draw in drawn.items():
        figure = _figure(len(names), draw)
        files[f"{name}.png"] = _saved(figure, "png")
        files[f"{name}.svg"] = _saved(figure, "svg")
    return files


def draw_matrix(
    axes: Axes,
    scores: Float64[np.ndarray, "model model"],
    names: tuple[str, ...],
    order: list[int],
) -> None:
    """Scores in tree order; grey where a network meets itself or nothing is known."""
    square = scores[np.ix_(order, order)]
    np.fill_diagonal(square, np.nan)
    known = square[~np.isnan(square)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    axes.set_facecolor("#d9d9d9")
    image = axes.imshow(square, cmap="viridis", vmin=low, vmax=high, interpolation="nearest")
    _name_rows_and_columns(axes, [names[place] for place in order])
    if len(names) <= _MOST_NUMBERS:
        _write_numbers(axes, square, middle=(low + high) / 2)
    figure = axes.figure
    figure.colorbar(image, ax=axes, fraction=0.045, pad=0.02, label="similarity s")
    axes.set_title("Similarity of networks, in the order of the task tree")


def draw_tree(axes: Axes, tree: Tree, names: tuple[str, ...]) -> None:
    """The tree from left to right, the drawing order from top to bottom."""
    axes.set_title("Task tree")
    axes.set_xlabel("distance between rows of the similarity matrix")
    if not tree.joins:
        axes.text(0.5, 0.5, names[0], ha="center", transform=axes.transAxes)
        return
    labels = list(names) if len(names) <= _MOST_NAMES else [""] * len(names)
    dendrogram(
        linkage_matrix(tree),
        labels=labels,
        orientation="left",
        ax=axes,
        color_threshold=0.0,
        above_threshold_color=_INK,
        leaf_font_size=8,
    )
    axes.invert_yaxis()
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def draw_layout(axes: Axes, layout: Layout, names: tuple[str, ...]) -> None:
    """Points with names, on equal axes."""
    axes.scatter(layout.points[:, 0], layout.points[:, 1], s=36, color=_INK, zorder=2)
    if len(names) <= _MOST_NAMES:
        for name, (x, y) in zip(names, layout.points, strict=True):
            _name_point(axes, name, x=float(x), y=float(y))
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.15)
    axes.grid(visible=True, color="#e4e4e4", zorder=0)
    axes.set_title(f"Networks in the plane (stress {layout.stress:.2f})")


def _name_point(axes: Axes, name: str, *, x: float, y: float) -> None:
    """The name towards the middle, so that it stays inside the picture."""
    shift, side = ((-5, 4), "right") if x > 0 else ((5, 4), "left")
    axes.annotate(
        name,
        (x, y),
        xytext=shift,
        textcoords="offset points",
        fontsize=8,
        horizontalalignment=side,
    )


def _figure(models: int, draw: Callable[[Axes], None]) -> Figure:
    side = float(np.clip(3.5 + 0.28 * models, 5.5, 24.0))
    figure = Figure(figsize=(side * 1.2, side), layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure.add_subplot())
    return figure


def _saved(figure: Figure, kind: str) -> bytes:
    """The picture as a file; the same figure gives the same bytes."""
    file = io.BytesIO()
    metadata: dict[str, Any] = {"Date": None} if kind == "svg" else {"Software": None}
    with mpl.rc_context({"svg.hashsalt": "zooscope", "svg.fonttype": "none"}):
        figure.savefig(file, format=kind, dpi=_DOTS_PER_INCH, metadata=metadata)
    return file.getvalue()


def _name_rows_and_columns(axes: Axes, names: list[str]) -> None:
    if len(names) > _MOST_NAMES:
        axes.set_xticks([])
        axes.set_yticks([])
        return
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)


def _write_numbers(
    axes: Axes, square: Float64[np.ndarray, "model model"], *, middle: float
) -> None:
    for (row, column), value in np.ndenumerate(square):
        if np.isnan(value):
            continue
        colour = "white" if value < middle else "black"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=7)


def _shortened(name: str) -> str:
    """The name without what matplotlib would read as mathematics, cut where it is too long."""
    plain = name.replace("$", r"\$")
    return plain if len(plain) <= _LONGEST_NAME else plain[: _LONGEST_NAME - 1] + "…"
