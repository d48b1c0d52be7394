"""Pictures of a map as files: matrix, tree, plane, neighbor graph; PNG and SVG, light and dark."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from service.core.catalog.transferability_map import picture_file
from service.core.theme import Theme
from workers.methods.transferability_map.drawing import MapDrawing, unescaped
from workers.methods.transferability_map.matrix_picture import draw_matrix, matrix_size
from workers.methods.transferability_map.plane_pictures import (
    draw_layout,
    draw_neighbors,
    plane_size,
)
from workers.methods.transferability_map.tree_picture import draw_tree, tree_size
from workers.torchkit.drawing.palettes import PALETTES, PlotPalette, drawn_with
from workers.torchkit.drawing.vector_pictures import described

_DOTS_PER_INCH = 120
_MARGIN = 0.2

_PICTURES: Mapping[
    str,
    tuple[
        Callable[[MapDrawing], tuple[float, float]], Callable[[Axes, MapDrawing, PlotPalette], str]
    ],
] = {
    "matrix": (matrix_size, draw_matrix),
    "tree": (tree_size, draw_tree),
    "layout": (plane_size, draw_layout),
    "neighbors": (plane_size, draw_neighbors),
}


def pictures_of(drawing: MapDrawing) -> Mapping[str, bytes]:
    """Sixteen files: ``matrix``, ``tree``, ``layout`` and ``neighbors``, as PNG and SVG, per theme."""
    files: dict[str, bytes] = {}
    for theme in Theme:
        with drawn_with(PALETTES[theme]):
            for name in _PICTURES:
                files |= _drawn(name, drawing, theme)
    return files


def _drawn(name: str, drawing: MapDrawing, theme: Theme) -> dict[str, bytes]:
    size, draw = _PICTURES[name]
    figure = _figure(size(drawing))
    axes = _axes(figure)
    description = draw(axes, drawing, PALETTES[theme])
    box = figure.get_tightbbox().padded(_MARGIN)
    vector = described(
        _saved(figure, "svg", box),
        title=unescaped(axes.get_title(loc="left")),
        description=unescaped(description),
    )
    return {
        picture_file(name, "png", theme): _saved(figure, "png", box),
        picture_file(name, "svg", theme): vector,
    }


def _figure(size: tuple[float, float]) -> Figure:
    figure = Figure(figsize=size, dpi=_DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    return figure


def _axes(figure: Figure) -> Axes:
    """Axes at a fixed place, so that names can be fitted before anything is drawn."""
    width, height = figure.get_size_inches()
    return figure.add_axes((0.25 / width, 0.3 / height, 1 - 3.1 / width, 1 - 0.9 / height))


def _saved(figure: Figure, kind: str, box: Bbox) -> bytes:
    """The picture as a file, cut to what is drawn; the same figure gives the same bytes."""
    file = io.BytesIO()
    none = ("Date", "Creator", "Format", "Type") if kind == "svg" else ("Software",)
    metadata: dict[str, Any] = dict.fromkeys(none)
    with mpl.rc_context({"svg.hashsalt": "zooscope", "svg.fonttype": "none"}):
        figure.savefig(
            file,
            format=kind,
            dpi=_DOTS_PER_INCH,
            metadata=metadata,
            bbox_inches=box,
        )
    return file.getvalue()
