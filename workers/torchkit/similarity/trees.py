"""The task tree: networks joined from the most similar outward.

Axes: ``model`` one network.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import pdist, squareform

from service.core.catalog.transferability_map import Linkage

# One second of one processor for 1000, 7 for 2000, growing with the cube.
LARGEST_OPTIMAL_ORDER = 2000


@dataclass(frozen=True)
class Join:
    """Two groups become one at ``height``; groups are numbered as scipy numbers them.

    0 … n−1 are the networks, n + k is the group made by join k.
    """

    left: int
    right: int
    height: float
    size: int


@dataclass(frozen=True)
class Tree:
    """All joins, lowest first, and the drawing order of the networks."""

    joins: tuple[Join, ...]
    order: tuple[int, ...]


def task_tree(
    similarity: Float64[np.ndarray, "model model"], *, method: Linkage = Linkage.SINGLE
) -> Tree:
    """Hierarchical clustering of networks by their rows of similarities.

    A row, with 1 on the diagonal, is a network's feature vector; groups join by Euclidean
    distance between rows. Leaves are ordered so that neighbors are as similar as the tree allows
    for up to 2000 networks; above that, in the order of the joins.

    Args:
        similarity: Finite; symmetric.
        method: The papers' trees are single linkage.

    Source: Song et al. 2019 (NeurIPS), "agglomerative hierarchical clustering"; rows
    as features, single linkage and leaf order as the published trees need them.
    """
    if len(similarity) == 1:
        return Tree((), (0,))
    distances = squareform(row_distances(similarity), checks=False)
    merges = linkage(distances, method=method.value)
    if len(similarity) <= LARGEST_OPTIMAL_ORDER:
        merges = optimal_leaf_ordering(merges, distances)
    joins = tuple(Join(int(a), int(b), float(height), int(size)) for a, b, height, size in merges)
    return Tree(joins, tuple(int(leaf) for leaf in leaves_list(merges)))


def row_distances(
    similarity: Float64[np.ndarray, "model model"],
) -> Float64[np.ndarray, "model model"]:
    """Euclidean distance between the rows of every two networks, 1 on the diagonal."""
    distances: Float64[np.ndarray, "model model"] = squareform(
        pdist(with_unit_diagonal(similarity))
    )
    return distances


def with_unit_diagonal(
    similarity: Float64[np.ndarray, "model model"],
) -> Float64[np.ndarray, "model model"]:
    """A copy with ones on the diagonal."""
    rows = similarity.copy()
    np.fill_diagonal(rows, 1.0)
    return rows


def linkage_matrix(tree: Tree) -> Float64[np.ndarray, "join 4"]:
    """The tree as a scipy linkage matrix, for drawing."""
    rows = [(join.left, join.right, join.height, join.size) for join in tree.joins]
    return np.array(rows, dtype=np.float64).reshape(-1, 4)
