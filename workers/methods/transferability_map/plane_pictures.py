"""Networks as points of the plane, with and without the graph of nearest neighbors."""

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.collections import PathCollection
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path

from workers.methods.transferability_map.drawing import (
    SHAPES,
    MapDrawing,
    fill,
    networks,
    present_tasks,
    put_title,
    shortened,
)
from workers.methods.transferability_map.labels import LabelPosition, label_places
from workers.methods.transferability_map.marks import diameters
from workers.methods.transferability_map.plane_legend import add_legend
from workers.torchkit.drawing.palettes import PlotPalette
from workers.torchkit.similarity.layout import judgment
from workers.torchkit.similarity.neighbor_graph import pairs

_LINE_WIDTHS = (0.5, 0.8, 1.1)
_MARKS = "Marks have the color of the cluster, the shape of the task, the size of the parameters."


def plane_size(drawing: MapDrawing) -> tuple[float, float]:
    """Width and height of the figure in inches; the rightmost 2.9 are the legend's."""
    side = float(np.interp(drawing.count, (10, 200), (6.0, 13.0)))
    return side + 2.9, side + 0.9


def draw_layout(axes: Axes, drawing: MapDrawing, palette: PlotPalette) -> str:
    """Marks with names on equal axes. Returns the picture in words."""
    _draw_points(axes, drawing, palette)
    stress = drawing.layout.stress
    about = f"{drawing.subtitle} · stress {stress:.2f}: {judgment(stress)}"
    put_title(axes, f"{networks(drawing.count).capitalize()} in the plane", about, palette)
    return (
        f"{networks(drawing.count).capitalize()}: the closer, the more similar. {_MARKS} {about}."
    )


def draw_neighbors(axes: Axes, drawing: MapDrawing, palette: PlotPalette) -> str:
    """The same points; lines join neighbors, the stronger the more alike. Returns words."""
    _draw_points(axes, drawing, palette)
    _draw_lines(axes, drawing, palette)
    k = max((len(near) for near in drawing.neighbors), default=0)
    about = f"{drawing.subtitle} · each joined to the {k} most similar"
    put_title(axes, f"Neighbor graph of {networks(drawing.count)}", about, palette)
    return f"{networks(drawing.count).capitalize()}, {about}, stronger lines for more. {_MARKS}"


def _draw_points(axes: Axes, drawing: MapDrawing, palette: PlotPalette) -> None:
    sizes = diameters(drawing)
    for task in present_tasks(drawing):
        own = np.flatnonzero([kind == task for kind in drawing.tasks])
        # Small marks lie on large ones.
        own = own[np.argsort(-sizes[own], kind="stable")]
        colors = [fill(drawing.groups[network], palette) for network in own]
        axes.scatter(
            drawing.layout.points[own, 0],
            drawing.layout.points[own, 1],
            s=sizes[own] ** 2,
            marker=SHAPES[task],
            facecolors=[inner for inner, _ in colors],
            edgecolors=[outline for _, outline in colors],
            linewidths=[0.5 if outline == palette.page else 1.2 for _, outline in colors],
            zorder=3,
        )
    _dress(axes, palette)
    add_legend(axes, drawing, palette)
    _name_points(axes, drawing, palette)


def _dress(axes: Axes, palette: PlotPalette) -> None:
    """Equal axes without numbers, which mean nothing here."""
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.08)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(palette.faint)


def _draw_lines(axes: Axes, drawing: MapDrawing, palette: PlotPalette) -> None:
    """All lines of one strength are one path, so that a vector file stays small."""
    joined = pairs(drawing.neighbors)
    if not joined:
        return
    ends = drawing.layout.points[np.array(list(joined))]
    strength = np.array(list(joined.values()))
    bounds = np.quantile(strength, np.arange(1, len(_LINE_WIDTHS)) / len(_LINE_WIDTHS))
    level = np.digitize(strength, bounds)
    thinner = float(np.interp(drawing.count, (100, 1000), (1.0, 0.4)))
    styles = zip(palette.strengths, _LINE_WIDTHS, strict=True)
    for number, (shade, width) in enumerate(styles):
        own = ends[level == number].reshape(-1, 2)
        codes = np.tile(np.array([Path.MOVETO, Path.LINETO], dtype=np.uint8), len(own) // 2)
        path = PathCollection([Path(own, codes)], facecolors="none", edgecolors=shade)
        path.set_linewidth(width * thinner)
        path.set_zorder(1 + number / 10)
        axes.add_collection(path, autolim=False)


def _name_points(axes: Axes, drawing: MapDrawing, palette: PlotPalette) -> None:
    """Names where there is room, the most typical network of a cluster first.

    Of more than 250 networks only the typical ones are named, and may cover marks.
    """
    size = float(np.interp(drawing.count, (20, 150, 1000), (9.0, 6.5, 11.0)))
    others = [network for network in range(drawing.count) if network not in drawing.chosen]
    order = [*drawing.chosen, *others] if drawing.named else list(drawing.chosen)
    names = [shortened(drawing.names[network]) for network in order]
    axes.apply_aspect()
    frame = axes.get_window_extent()
    positions = label_places(
        axes.transData.transform(drawing.layout.points[order]),
        _extents(axes, names, size),
        (frame.x0, frame.y0, frame.x1, frame.y1),
        radii=diameters(drawing)[order] / 2 * axes.figure.dpi / 72,
    )
    for name, point, position in zip(names, drawing.layout.points[order], positions, strict=True):
        if position is not None:
            at = (float(point[0]), float(point[1]))
            _write(axes, name, at, position, size=size, palette=palette)
    if hidden := drawing.count - len(positions) + positions.count(None):
        words = f"{networks(hidden)} without a name, for want of room"
        axes.text(0, -0.012, words, transform=axes.transAxes, va="top", fontsize=size)


def _extents(axes: Axes, names: list[str], size: float) -> Float64[np.ndarray, "label 2"]:
    """Width and height of the names in pixels."""
    canvas = axes.figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    renderer: RendererAgg = canvas.get_renderer()  # type: ignore[no-untyped-call]
    font = FontProperties(size=size)
    extents = [
        renderer.get_text_width_height_descent(name, font, ismath=False)  # type: ignore[no-untyped-call]
        for name in names
    ]
    return np.array([(width + 2, height + 2) for width, height, _ in extents], dtype=np.float64)


def _write(
    axes: Axes,
    name: str,
    point: tuple[float, float],
    position: LabelPosition,
    *,
    size: float,
    palette: PlotPalette,
) -> None:
    """A name at its position, with a thin line from its point where it is not beside it."""
    x, y = axes.transData.inverted().transform((position.x, position.y))
    line = {
        "arrowstyle": "-",
        "color": palette.faint,
        "linewidth": 0.4,
        "shrinkA": 0,
        "shrinkB": 2,
    }
    axes.annotate(
        name,
        point,
        xytext=(float(x), float(y)),
        fontsize=size,
        color=palette.ink,
        zorder=4,
        verticalalignment="bottom",
        arrowprops=line if position.led else None,
        bbox={
            "boxstyle": "square,pad=0.05",
            "facecolor": palette.page,
            "linewidth": 0,
            "alpha": 0.7,
        },
    )
