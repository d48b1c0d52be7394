"""What all pictures of a map share: what is drawn, colours, names, titles.

Colours: Okabe & Ito 2008, told apart by colour-blind readers too; without yellow and black, which
are lost on white and in print. Beyond seven clusters the marks change with the round.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workers.torchkit.layout import Layout
from workers.torchkit.neighbor_graph import Neighbor
from workers.torchkit.trees import Tree

INK = "#222222"
FAINT = "#8a8a8a"
GROUND = "#d9d9d9"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A4FA3")
MARKS = ("o", "s", "^", "D", "v")
MOST_NAMES = 250
_LONGEST_NAME = 28
_POINTS_PER_INCH = 72


@dataclass(frozen=True)
class Drawing:
    """A map as its pictures show it.

    Attributes:
        names: As given; drawn shortened.
        seen: Through what, and how weighed; the second line of every title.
        scores: NaN where two networks cannot be compared.
        groups: The cluster of every network, from 0.
        chosen: The most typical network of every cluster.
    """

    names: tuple[str, ...]
    seen: str
    linkage: str
    scores: Float64[np.ndarray, "model model"]
    tree: Tree
    layout: Layout
    groups: tuple[int, ...]
    chosen: tuple[int, ...]
    neighbors: tuple[tuple[Neighbor, ...], ...]

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


def colour(group: int) -> str:
    """The colour of a cluster."""
    return COLOURS[group % len(COLOURS)]


def mark(group: int) -> str:
    """The mark of a cluster: another one in every round of colours."""
    return MARKS[group // len(COLOURS) % len(MARKS)]


def shortened(name: str) -> str:
    """The name without what matplotlib would read as mathematics, cut where it is too long."""
    plain = " ".join(name.split()).replace("$", r"\$")
    return plain if len(plain) <= _LONGEST_NAME else plain[: _LONGEST_NAME - 1] + "…"


def networks(count: int) -> str:
    """A number of networks in words."""
    return "1 network" if count == 1 else f"{count} networks"


def put_title(axes: Axes, text: str, seen: str) -> None:
    """What is shown in large letters, through what in small ones below, from the left edge."""
    size = title_points(axes)
    axes.set_title(text, loc="left", fontsize=size, color=INK, pad=1.8 * size, weight="bold")
    axes.annotate(
        seen,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 0.7 * size),
        textcoords="offset points",
        fontsize=0.77 * size,
        color=INK,
    )


def title_points(axes: Axes) -> float:
    """Size of a title that suits the picture's shorter side."""
    return float(np.interp(min(figure_of(axes).get_size_inches()), (8, 24), (13, 28)))


def figure_of(axes: Axes) -> Figure:
    """The figure on which axes lie."""
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure
