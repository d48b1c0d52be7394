"""The task tree from left to right, drawn join by join: deep trees need no recursion."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from workers.methods.transferability_map.drawing import (
    FAINT,
    INK,
    Drawing,
    colour,
    inches,
    mark,
    name_points,
    networks,
    put_title,
    row_points,
    shortened,
)

_UNNAMED_ROW = 1.6
Corner = tuple[float, float]


def tree_size(drawing: Drawing) -> tuple[float, float]:
    """Width and height of the figure in inches."""
    row = row_points(drawing.count) if drawing.named else _UNNAMED_ROW
    return 10.0, max(inches(drawing.count * row), 1.5) + 2.0


def draw_tree(axes: Axes, drawing: Drawing) -> None:
    """Joins at their heights; branches of a cluster in its colour."""
    brackets = brackets_of(drawing)
    width = 1.3 if drawing.named else 0.6
    for group in (-1, *range(max(drawing.groups) + 1)):
        lines = [corners for owner, corners in brackets if owner == group]
        shade = FAINT if group < 0 else colour(group)
        axes.add_collection(LineCollection(lines, colors=shade, linewidths=width))
    _mark_leaves(axes, drawing)
    highest = max((join.height for join in drawing.tree.joins), default=1.0) or 1.0
    axes.set_xlim(1.03 * highest, -0.01 * highest)
    axes.set_ylim(drawing.count - 0.4, -0.6)
    axes.set_xlabel("distance between rows of the similarity matrix", fontsize=10, color=INK)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    count = len(set(drawing.groups))
    told = f"{drawing.seen} · {drawing.linkage} linkage · clusters: {count}"
    put_title(axes, f"Task tree of {networks(drawing.count)}", told)


def brackets_of(drawing: Drawing) -> list[tuple[int, list[Corner]]]:
    """Every join as four corners, and the cluster that it lies in; −1 above the cut."""
    row = {place: float(line) for line, place in enumerate(drawing.tree.order)}
    count, clusters = drawing.count, len(set(drawing.groups))
    ends = {place: (0.0, row[place], drawing.groups[place]) for place in range(count)}
    brackets = []
    for number, join in enumerate(drawing.tree.joins):
        (left, upper, group), (right, lower, _) = ends.pop(join.left), ends.pop(join.right)
        owner = group if number < count - clusters else -1
        corners = [(left, upper), (join.height, upper), (join.height, lower), (right, lower)]
        brackets.append((owner, corners))
        ends[count + number] = (join.height, (upper + lower) / 2, owner)
    return brackets


def _mark_leaves(axes: Axes, drawing: Drawing) -> None:
    """Marks of the clusters at the leaves, and names where there is room."""
    rows = {place: line for line, place in enumerate(drawing.tree.order)}
    size = row_points(drawing.count) if drawing.named else _UNNAMED_ROW
    for group in range(max(drawing.groups) + 1):
        lines = [rows[place] for place, own in enumerate(drawing.groups) if own == group]
        axes.scatter(
            np.zeros(len(lines)),
            lines,
            s=(0.45 * size) ** 2,
            marker=mark(group),
            color=colour(group),
            linewidths=0,
            clip_on=False,
            zorder=3,
        )
    axes.yaxis.tick_right()
    names = [shortened(drawing.names[place]) for place in drawing.tree.order]
    axes.set_yticks(range(drawing.count) if drawing.named else [])
    if drawing.named:
        axes.set_yticklabels(names, fontsize=name_points(drawing.count))
    axes.tick_params(axis="y", length=0, pad=4)
