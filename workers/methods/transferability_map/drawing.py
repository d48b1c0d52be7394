"""What all pictures of a map share: what is drawn, marks, names, titles.

A network's mark has the color of its cluster, the shape of its task and the size of its number of
parameters. Beyond seven clusters colors repeat: the second seven are hollow, all further ones
outlined.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from service.core.counts import counted
from service.core.manifest import TaskKind
from workers.torchkit.drawing.palettes import PlotPalette
from workers.torchkit.similarity.layout import Layout
from workers.torchkit.similarity.neighbor_graph import NeighborEdge
from workers.torchkit.similarity.trees import Tree

MOST_NAMES = 250
SHAPES: Mapping[TaskKind, str] = dict(
    zip(
        TaskKind,
        ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "8", "d", "*"),
        strict=True,
    )
)
_LONGEST_NAME = 28
_POINTS_PER_INCH = 72


@dataclass(frozen=True)
class MapDrawing:
    """A map as its pictures show it.

    Attributes:
        names: As given; drawn shortened.
        subtitle: The probes and the edge weight; the second line of every title.
        scores: NaN where two networks cannot be compared.
        tasks: The kind of task of every network.
        parameters: How many parameters every network has; None where nobody counted them.
        groups: The cluster of every network, from 0.
        chosen: The most typical network of every cluster.
    """

    names: tuple[str, ...]
    tasks: tuple[TaskKind, ...]
    parameters: tuple[int | None, ...]
    subtitle: str
    linkage: str
    scores: Float64[np.ndarray, "model model"]
    tree: Tree
    layout: Layout
    groups: tuple[int, ...]
    chosen: tuple[int, ...]
    neighbors: tuple[tuple[NeighborEdge, ...], ...]

    @property
    def count(self) -> int:
        """Number of networks."""
        return len(self.names)

    @property
    def named(self) -> bool:
        """Whether there is room for names: up to 250 networks."""
        return self.count <= MOST_NAMES


def row_points(count: int) -> float:
    """Height of a row with a name, in points: 16 for a few networks, 7.5 for two hundred."""
    return float(np.interp(count, (20, 60, 150), (16.0, 12.0, 7.5)))


def name_points(count: int) -> float:
    """Size of a name that fits such a row."""
    return min(9.0, 0.8 * row_points(count))


def inches(points: float) -> float:
    """A length in inches."""
    return points / _POINTS_PER_INCH


def fill(group: int, palette: PlotPalette) -> tuple[str, str]:
    """Inner color and outline of a cluster's marks: another pair in each of three rounds."""
    color, round_ = palette.category(group), group // len(palette.categories)
    return ((color, palette.page), (palette.page, color), (color, palette.ink))[min(round_, 2)]


def present_tasks(drawing: MapDrawing) -> list[TaskKind]:
    """The kinds of task that a map has, in the order of the vocabulary."""
    return [kind for kind in TaskKind if kind in drawing.tasks]


def shortened(name: str) -> str:
    """The name without what matplotlib would read as mathematics, cut where it is too long."""
    plain = " ".join(name.split()).replace("$", r"\$")
    return plain if len(plain) <= _LONGEST_NAME else plain[: _LONGEST_NAME - 1] + "…"


def networks(count: int) -> str:
    """A number of networks in words."""
    return counted(count, "network")


def unescaped(text: str) -> str:
    """A name or title as it reads, without what keeps matplotlib from reading mathematics."""
    return text.replace(r"\$", "$")


def put_title(axes: Axes, text: str, subtitle: str, palette: PlotPalette) -> None:
    """What is shown in large letters, through what in small ones below, from the left edge."""
    size = title_points(axes)
    axes.set_title(
        text, loc="left", fontsize=size, color=palette.ink, pad=1.8 * size, weight="bold"
    )
    axes.annotate(
        subtitle,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 0.7 * size),
        textcoords="offset points",
        fontsize=0.77 * size,
        color=palette.ink,
    )


def title_points(axes: Axes) -> float:
    """Size of a title that suits the picture's shorter side."""
    return float(np.interp(min(figure_of(axes).get_size_inches()), (8, 24), (13, 28)))


def figure_of(axes: Axes) -> Figure:
    """The figure on which axes lie."""
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure
