"""Every network joined to the ``k`` most similar ones.

Axes: ``model`` one network.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

DEFAULT_NEIGHBORS = 5


@dataclass(frozen=True)
class NeighborEdge:
    """A neighbor: index of the network and its similarity."""

    index: int
    similarity: float


def nearest(
    similarity: Float64[np.ndarray, "model model"], *, k: int
) -> tuple[tuple[NeighborEdge, ...], ...]:
    """The ``k`` most similar others of every network, best first; fewer where scores are NaN.

    Equally similar networks keep their order.
    """
    comparable = similarity.copy()
    np.fill_diagonal(comparable, np.nan)
    # Stable, and NaN sorts last.
    order = np.argsort(-comparable, axis=1, kind="stable")[:, :k]
    return tuple(
        tuple(NeighborEdge(int(j), float(row[j])) for j in indices if not np.isnan(row[j]))
        for row, indices in zip(comparable, order, strict=True)
    )


def pairs(neighbors: tuple[tuple[NeighborEdge, ...], ...]) -> dict[tuple[int, int], float]:
    """Similarity of every pair in which one network is a neighbor of the other, sorted by index."""
    similarities = {
        (min(index, neighbor.index), max(index, neighbor.index)): neighbor.similarity
        for index, nearest_of_model in enumerate(neighbors)
        for neighbor in nearest_of_model
    }
    return dict(sorted(similarities.items()))
