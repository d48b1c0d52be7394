"""The legend of the plane: what color, shape and size of a mark mean."""

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from workers.methods.transferability_map.drawing import (
    SHAPES,
    MapDrawing,
    fill,
    networks,
    present_tasks,
    shortened,
    title_points,
)
from workers.methods.transferability_map.marks import diameter, example_sizes, in_words
from workers.torchkit.drawing.palettes import PlotPalette

MOST_CLUSTERS = 21
COLOR, SHAPE, SIZE = "Color: cluster", "Shape: task", "Size: parameters"


def add_legend(axes: Axes, drawing: MapDrawing, palette: PlotPalette) -> None:
    """Clusters, tasks and sizes beside the picture, each below its heading."""
    handles = [
        _heading(COLOR),
        *_clusters(drawing, palette),
        _heading(SHAPE),
        *_tasks(drawing, palette),
        _heading(SIZE),
        *_sizes(drawing, palette),
    ]
    size = 0.62 * title_points(axes)
    legend = axes.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        fontsize=size,
        labelspacing=0.55,
        frameon=False,
        borderaxespad=0.0,
    )
    for text in legend.get_texts():
        if text.get_text() in (COLOR, SHAPE, SIZE):
            text.set_fontweight("bold")


def _heading(text: str) -> Line2D:
    return Line2D([], [], linestyle="", label=text)


def _clusters(drawing: MapDrawing, palette: PlotPalette) -> list[Line2D]:
    """The first 21, and how many more there are."""
    marks = []
    for group, typical in enumerate(drawing.chosen[:MOST_CLUSTERS]):
        inner, outline = fill(group, palette)
        count = networks(drawing.groups.count(group))
        label = f"{group + 1}: {count} like {shortened(drawing.names[typical])}"
        mark = Line2D([], [], linestyle="", marker="o", markersize=8, label=label)
        mark.set_markerfacecolor(inner)
        mark.set_markeredgecolor(outline)
        marks.append(mark)
    if len(drawing.chosen) > MOST_CLUSTERS:
        marks.append(_heading(f"and {len(drawing.chosen) - MOST_CLUSTERS} more clusters"))
    return marks


def _tasks(drawing: MapDrawing, palette: PlotPalette) -> list[Line2D]:
    return [
        _mark(SHAPES[task], 8.0, task.value.replace("_", " "), palette)
        for task in present_tasks(drawing)
    ]


def _sizes(drawing: MapDrawing, palette: PlotPalette) -> list[Line2D]:
    """Three numbers of parameters as they are drawn, and what is drawn where none is known."""
    counted = [count for count in drawing.parameters if count]
    marks = [
        _mark("o", diameter(count, counted, drawing.count), in_words(count), palette)
        for count in example_sizes(counted)
    ]
    if len(counted) < drawing.count:
        marks.append(_mark("o", diameter(None, counted, drawing.count), "not known", palette))
    return marks


def _mark(shape: str, size: float, label: str, palette: PlotPalette) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="",
        marker=shape,
        markersize=size,
        color=palette.faint,
        markeredgecolor=palette.page,
        label=label,
    )
