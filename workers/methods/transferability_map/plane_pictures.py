"""Networks as points of the plane, with and without the graph of nearest neighbours."""

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.collections import PathCollection
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path

from workers.methods.transferability_map.drawing import (
    FAINT,
    INK,
    Drawing,
    colour,
    mark,
    networks,
    put_title,
    shortened,
)
from workers.methods.transferability_map.labels import LabelPlace, label_places
from workers.torchkit.neighbor_graph import pairs

_STRENGTHS = (("#d0d0d0", 0.5), ("#a8a8a8", 0.8), ("#707070", 1.1))
_MOST_IN_LEGEND = 30


def plane_size(drawing: Drawing) -> tuple[float, float]:
    """Width and height of the figure in inches; the rightmost 2.9 are the legend's."""
    side = float(np.interp(drawing.count, (10, 200), (6.0, 13.0)))
    return side + 2.9, side + 0.9


def mark_points(count: int) -> float:
    """Diameter of a mark in points."""
    return float(np.interp(count, (20, 1000), (6.6, 3.8)))


def draw_layout(axes: Axes, drawing: Drawing) -> None:
    """Points with names and marks of their clusters, on equal axes."""
    _draw_points(axes, drawing)
    told = f"{drawing.seen} · stress {drawing.layout.stress:.2f}"
    put_title(axes, f"{networks(drawing.count).capitalize()} in the plane", told)


def draw_neighbors(axes: Axes, drawing: Drawing) -> None:
    """The same points; lines join neighbours, the darker the more alike."""
    _draw_points(axes, drawing)
    _draw_lines(axes, drawing)
    k = max((len(near) for near in drawing.neighbors), default=0)
    told = f"{drawing.seen} · each joined to the {k} most similar"
    put_title(axes, f"Neighbour graph of {networks(drawing.count)}", told)


def _draw_points(axes: Axes, drawing: Drawing) -> None:
    points, groups = drawing.layout.points, np.array(drawing.groups)
    for group in range(max(drawing.groups) + 1):
        own = points[groups == group]
        name = shortened(drawing.names[drawing.chosen[group]])
        axes.scatter(
            own[:, 0],
            own[:, 1],
            s=mark_points(drawing.count) ** 2,
            marker=mark(group),
            color=colour(group),
            edgecolors="white",
            linewidths=0.5,
            zorder=3,
            label=f"{group + 1}: {networks(len(own))}\nlike {name}",
        )
    _dress(axes, len(drawing.chosen))
    if drawing.named:
        _name_points(axes, drawing)


def _dress(axes: Axes, clusters: int) -> None:
    """Equal axes without numbers, which mean nothing here, and the legend beside them."""
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.08)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(FAINT)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[:_MOST_IN_LEGEND],
        labels[:_MOST_IN_LEGEND],
        title=f"clusters: {clusters}",
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        fontsize=float(np.interp(clusters, (15, 30), (8, 6))),
        title_fontsize=9,
        frameon=False,
        borderaxespad=0.0,
    )


def _draw_lines(axes: Axes, drawing: Drawing) -> None:
    """All lines of one strength are one path, so that a vector file stays small."""
    joined = pairs(drawing.neighbors)
    if not joined:
        return
    ends = drawing.layout.points[np.array(list(joined))]
    strength = np.array(list(joined.values()))
    bounds = np.quantile(strength, np.arange(1, len(_STRENGTHS)) / len(_STRENGTHS))
    level = np.digitize(strength, bounds)
    for place, (shade, width) in enumerate(_STRENGTHS):
        own = ends[level == place].reshape(-1, 2)
        codes = np.tile(np.array([Path.MOVETO, Path.LINETO], dtype=np.uint8), len(own) // 2)
        path = PathCollection([Path(own, codes)], facecolors="none", edgecolors=shade)
        path.set_linewidth(width)
        path.set_zorder(1 + place / 10)
        axes.add_collection(path, autolim=False)


def _name_points(axes: Axes, drawing: Drawing) -> None:
    """Names where there is room, the most typical network of a cluster first."""
    size = float(np.interp(drawing.count, (20, 150), (9.0, 6.5)))
    order = [*drawing.chosen, *(p for p in range(drawing.count) if p not in drawing.chosen)]
    names = [shortened(drawing.names[place]) for place in order]
    axes.apply_aspect()
    pixels = axes.transData.transform(drawing.layout.points[order])
    frame = axes.get_window_extent()
    places = label_places(
        pixels,
        _extents(axes, names, size),
        (frame.x0, frame.y0, frame.x1, frame.y1),
        radius=mark_points(drawing.count) / 2 * axes.figure.dpi / 72,
    )
    for name, point, place in zip(names, drawing.layout.points[order], places, strict=True):
        if place is not None:
            _write(axes, name, (float(point[0]), float(point[1])), place, size=size)
    if None in places:
        told = f"names without room: {places.count(None)}"
        axes.text(0, -0.012, told, transform=axes.transAxes, va="top", fontsize=8, color=INK)


def _extents(axes: Axes, names: list[str], size: float) -> Float64[np.ndarray, "label 2"]:
    """Width and height of the names in pixels."""
    canvas = axes.figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    renderer: RendererAgg = canvas.get_renderer()  # type: ignore[no-untyped-call]
    font = FontProperties(size=size)
    found = [
        renderer.get_text_width_height_descent(name, font, ismath=False)  # type: ignore[no-untyped-call]
        for name in names
    ]
    return np.array([(width + 2, height + 2) for width, height, _ in found], dtype=np.float64)


def _write(
    axes: Axes, name: str, point: tuple[float, float], place: LabelPlace, *, size: float
) -> None:
    """A name at its place, with a thin line from its point where it is not beside it."""
    x, y = axes.transData.inverted().transform((place.x, place.y))
    line = {"arrowstyle": "-", "color": FAINT, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 2}
    axes.annotate(
        name,
        point,
        xytext=(float(x), float(y)),
        fontsize=size,
        color=INK,
        zorder=2.8,
        verticalalignment="bottom",
        arrowprops=line if place.led else None,
        bbox={"boxstyle": "square,pad=0.05", "facecolor": "white", "linewidth": 0, "alpha": 0.6},
    )
