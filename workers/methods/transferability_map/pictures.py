"""Pictures of a map as files: matrix, tree, plane, neighbour graph; PNG and SVG."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from workers.methods.transferability_map.drawing import Drawing
from workers.methods.transferability_map.matrix_picture import draw_matrix, matrix_size
from workers.methods.transferability_map.plane_pictures import (
    draw_layout,
    draw_neighbors,
    plane_size,
)
from workers.methods.transferability_map.tree_picture import draw_tree, tree_size

_DOTS_PER_INCH = 120
_MARGIN = 0.2

_PICTURES: Mapping[
    str, tuple[Callable[[Drawing], tuple[float, float]], Callable[[Axes, Drawing], None]]
] = {
    "matrix": (matrix_size, draw_matrix),
    "tree": (tree_size, draw_tree),
    "layout": (plane_size, draw_layout),
    "neighbors": (plane_size, draw_neighbors),
}


def pictures_of(drawing: Drawing) -> Mapping[str, bytes]:
    """Eight files: ``matrix``, ``tree``, ``layout`` and ``neighbors``, each as PNG and SVG."""
    files: dict[str, bytes] = {}
    for name, (size, draw) in _PICTURES.items():
        figure = _figure(size(drawing))
        draw(_axes(figure), drawing)
        box = figure.get_tightbbox().padded(_MARGIN)
        files[f"{name}.png"] = _saved(figure, "png", box)
        files[f"{name}.svg"] = _saved(figure, "svg", box)
    return files


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
    metadata: dict[str, Any] = {"Date": None} if kind == "svg" else {"Software": None}
    with mpl.rc_context({"svg.hashsalt": "zooscope", "svg.fonttype": "none"}):
        figure.savefig(
            file,
            format=kind,
            dpi=_DOTS_PER_INCH,
            metadata=metadata,
            bbox_inches=box,
        )
    return file.getvalue()
