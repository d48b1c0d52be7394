"""Every network joined to the ``k`` most similar ones.

Axes: ``model`` one network.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

DEFAULT_NEIGHBORS = 5


@dataclass(frozen=True)
class Neighbor:
    """A network by its place among all, and how similar it is."""

    place: int
    similarity: float


def nearest(
    similarity: Float64[np.ndarray, "model model"], *, k: int
) -> tuple[tuple[Neighbor, ...], ...]:
    """For every network the ``k`` most similar others, best first; fewer where NaN hides them.

    Equally similar ones keep their order.
    """
    comparable = similarity.copy()
    np.fill_diagonal(comparable, np.nan)
    # Stable, and NaN sorts last.
    order = np.argsort(-comparable, axis=1, kind="stable")[:, :k]
    return tuple(
        tuple(Neighbor(int(j), float(row[j])) for j in places if not np.isnan(row[j]))
        for row, places in zip(comparable, order, strict=True)
    )


def pairs(neighbors: tuple[tuple[Neighbor, ...], ...]) -> dict[tuple[int, int], float]:
    """Similarity of every two networks of which one is a neighbor of the other, in order."""
    found = {
        (min(place, one.place), max(place, one.place)): one.similarity
        for place, near in enumerate(neighbors)
        for one in near
    }
    return dict(sorted(found.items()))
