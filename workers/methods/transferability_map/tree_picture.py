"""The task tree from left to right, drawn join by join: deep trees need no recursion."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from workers.methods.transferability_map.drawing import (
    SHAPES,
    MapDrawing,
    figure_of,
    fill,
    inches,
    name_points,
    networks,
    present_tasks,
    put_title,
    row_points,
    shortened,
)
from workers.torchkit.drawing.palettes import PlotPalette

_UNNAMED_ROW = 1.6
_LEGEND_BELOW = 48.0
_POINTS_PER_INCH = 72
Corner = tuple[float, float]


def tree_size(drawing: MapDrawing) -> tuple[float, float]:
    """Width and height of the figure in inches."""
    row = row_points(drawing.count) if drawing.named else _UNNAMED_ROW
    return 10.0, max(inches(drawing.count * row), 1.5) + 2.0


def draw_tree(axes: Axes, drawing: MapDrawing, palette: PlotPalette) -> str:
    """Joins at their heights; branches of a cluster in its color. Returns words."""
    brackets = brackets_of(drawing)
    width = 1.3 if drawing.named else 0.6
    for group in (-1, *range(max(drawing.groups) + 1)):
        lines = [corners for owner, corners in brackets if owner == group]
        shade = palette.faint if group < 0 else palette.category(group)
        axes.add_collection(LineCollection(lines, colors=shade, linewidths=width))
    _mark_leaves(axes, drawing, palette)
    highest = max((join.height for join in drawing.tree.joins), default=1.0) or 1.0
    axes.set_xlim(1.03 * highest, -0.01 * highest)
    axes.set_ylim(drawing.count - 0.4, -0.6)
    axes.set_xlabel("distance between rows of the similarity matrix (no unit)", fontsize=10)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    count = len(set(drawing.groups))
    about = f"{drawing.subtitle} · {drawing.linkage} linkage · clusters: {count}"
    put_title(axes, f"Task tree of {networks(drawing.count)}", about, palette)
    _add_legend(axes, drawing, palette)
    return (
        f"Tree that joins {networks(drawing.count)}, the most similar first; {count} clusters, "
        "each with the color of its branches. The shape at a leaf is the task."
    )


def brackets_of(drawing: MapDrawing) -> list[tuple[int, list[Corner]]]:
    """Every join as four corners, and the cluster that it lies in; −1 above the cut."""
    row = {leaf: float(line) for line, leaf in enumerate(drawing.tree.order)}
    count, clusters = drawing.count, len(set(drawing.groups))
    ends = {leaf: (0.0, row[leaf], drawing.groups[leaf]) for leaf in range(count)}
    brackets = []
    for number, join in enumerate(drawing.tree.joins):
        (left, upper, group), (right, lower, _) = ends.pop(join.left), ends.pop(join.right)
        owner = group if number < count - clusters else -1
        corners = [(left, upper), (join.height, upper), (join.height, lower), (right, lower)]
        brackets.append((owner, corners))
        ends[count + number] = (join.height, (upper + lower) / 2, owner)
    return brackets


def _mark_leaves(axes: Axes, drawing: MapDrawing, palette: PlotPalette) -> None:
    """Marks of clusters and tasks at the leaves, and names where there is room."""
    rows = {leaf: row for row, leaf in enumerate(drawing.tree.order)}
    size = row_points(drawing.count) if drawing.named else _UNNAMED_ROW
    for task in present_tasks(drawing):
        leaves = [leaf for leaf, own in enumerate(drawing.tasks) if own == task]
        colors = [fill(drawing.groups[leaf], palette) for leaf in leaves]
        axes.scatter(
            np.zeros(len(leaves)),
            [rows[leaf] for leaf in leaves],
            s=(0.5 * size) ** 2,
            marker=SHAPES[task],
            facecolors=[inner for inner, _ in colors],
            edgecolors=[outline for _, outline in colors],
            linewidths=0.06 * size,
            clip_on=False,
            zorder=3,
        )
    axes.yaxis.tick_right()
    names = [shortened(drawing.names[leaf]) for leaf in drawing.tree.order]
    axes.set_yticks(range(drawing.count) if drawing.named else [])
    if drawing.named:
        axes.set_yticklabels(names, fontsize=name_points(drawing.count))
    axes.tick_params(axis="y", length=0, pad=4)


def _add_legend(axes: Axes, drawing: MapDrawing, palette: PlotPalette) -> None:
    """Which shape is which task, below the axis."""
    marks = [
        Line2D([], [], linestyle="", marker=SHAPES[task], color=palette.ink, label=task.value)
        for task in present_tasks(drawing)
    ]
    height = axes.get_window_extent().height * _POINTS_PER_INCH / figure_of(axes).dpi
    axes.legend(
        handles=marks,
        title="Shape: task",
        alignment="left",
        loc="upper left",
        bbox_to_anchor=(0.0, -_LEGEND_BELOW / height),
        ncols=6,
        fontsize=9,
        title_fontsize=9,
        frameon=False,
        borderaxespad=0.0,
    )
