"""The matrix of all pairs, rows and columns in the order of the task tree."""

from itertools import groupby

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from workers.methods.transferability_map.drawing import (
    MapDrawing,
    figure_of,
    inches,
    name_points,
    networks,
    put_title,
    row_points,
    shortened,
    title_points,
)
from workers.torchkit.drawing.palettes import PlotPalette

_MOST_NUMBERS = 20
_UNNAMED_SIDE = 13.0
_POINTS_PER_INCH = 72


def matrix_size(drawing: MapDrawing) -> tuple[float, float]:
    """Width and height of the figure in inches."""
    side = inches(drawing.count * row_points(drawing.count)) if drawing.named else _UNNAMED_SIDE
    return max(side, 2.5) + 4.2, max(side, 2.5) + 2.8


def draw_matrix(axes: Axes, drawing: MapDrawing, palette: PlotPalette) -> str:
    """Scores as colors; gray where a network meets itself or nothing is known. Returns words."""
    order = list(drawing.tree.order)
    square = drawing.scores[np.ix_(order, order)]
    np.fill_diagonal(square, np.nan)
    scores = square[~np.isnan(square)]
    low, high = (float(scores.min()), float(scores.max())) if scores.size else (0.0, 1.0)
    axes.set_facecolor(palette.missing)
    image = axes.imshow(square, cmap="viridis", vmin=low, vmax=high, interpolation="nearest")
    _name_rows_and_columns(axes, drawing, order)
    _mark_clusters(axes, [drawing.groups[network] for network in order], palette)
    if drawing.count <= _MOST_NUMBERS:
        _write_numbers(axes, square, middle=(low + high) / 2)
    bar = axes.figure.colorbar(image, ax=axes, fraction=0.03, pad=0.04, shrink=0.5, aspect=30)
    bar.set_label("similarity s (no unit)", fontsize=0.77 * title_points(axes))
    bar.ax.tick_params(labelsize=0.7 * title_points(axes))
    about = f"{drawing.subtitle} · in tree order, clusters framed and numbered"
    put_title(axes, f"Similarity of {networks(drawing.count)}", about, palette)
    return (
        f"Matrix of all pairs of {networks(drawing.count)}, from {low:.2f} to {high:.2f}: the "
        "brighter, the more similar. Gray where a network meets itself or nothing is known."
    )


def _name_rows_and_columns(axes: Axes, drawing: MapDrawing, order: list[int]) -> None:
    if not drawing.named:
        axes.set_xticks([])
        axes.set_yticks([])
        return
    ticks, size = range(drawing.count), name_points(drawing.count)
    names = [shortened(drawing.names[network]) for network in order]
    axes.set_xticks(ticks, names, rotation=90, fontsize=size)
    axes.set_yticks(ticks, names, fontsize=size)
    axes.tick_params(length=2, width=0.5, pad=2)


def _mark_clusters(axes: Axes, groups: list[int], palette: PlotPalette) -> None:
    """A bar in the cluster's color left of its rows, a frame around its own square, its number."""
    count = len(groups)
    width, letters = max(0.35, 0.012 * count), 0.6 * title_points(axes)
    smallest = count * letters / (_POINTS_PER_INCH * figure_of(axes).get_size_inches()[1])
    start = 0
    for group, members in groupby(groups):
        size = len(list(members))
        corner = (start - 0.5, start - 0.5)
        axes.add_patch(
            Rectangle(corner, size, size, fill=False, edgecolor=palette.page, linewidth=1.4)
        )
        axes.add_patch(
            Rectangle(corner, size, size, fill=False, edgecolor=palette.ink, linewidth=0.7)
        )
        bar = (-0.5 - width, start - 0.5)
        axes.add_patch(
            Rectangle(bar, width, size, facecolor=palette.category(group), edgecolor=palette.page)
        )
        if size > smallest:
            axes.text(
                count - 0.5 + 0.3 * width,
                start + size / 2 - 0.5,
                str(group + 1),
                fontsize=letters,
                color=palette.ink,
                va="center",
            )
        start += size
    axes.set_xlim(-0.5 - width, count - 0.5)


def _write_numbers(
    axes: Axes, square: Float64[np.ndarray, "model model"], *, middle: float
) -> None:
    for (row, column), value in np.ndenumerate(square):
        if np.isnan(value):
            continue
        shade = "white" if value < middle else "black"
        text = f"{value:z.2f}".replace("0.", ".", 1)
        axes.text(column, row, text, ha="center", va="center", color=shade, fontsize=6)
