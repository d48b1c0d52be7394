"""Groups of networks: the task tree, cut where its groups separate best.

Axes: ``model`` one network, ``cluster`` one group.
"""

import numpy as np
from jaxtyping import Float64

from workers.torchkit.similarity.trees import Tree

MOST_CLUSTERS_CHOSEN = 30


def clusters(
    tree: Tree, distances: Float64[np.ndarray, "model model"], *, count: int | None = None
) -> tuple[int, ...]:
    """The cluster of every network, numbered from 0 in the drawing order of the tree.

    Args:
        distances: The distances from which the tree was built.
        count: Number of clusters, 1 to the number of networks; None chooses the best.
    """
    return cut(tree, best_count(tree, distances) if count is None else count)


def cut(tree: Tree, count: int) -> tuple[int, ...]:
    """The groups that remain when the highest ``count`` − 1 joins are undone."""
    members = {index: [index] for index in range(len(tree.order))}
    for number, join in enumerate(tree.joins[: len(tree.order) - count]):
        members[len(tree.order) + number] = members.pop(join.left) + members.pop(join.right)
    group_of = {index: group for group, indices in members.items() for index in indices}
    numbers: dict[int, int] = {}
    for index in tree.order:
        numbers.setdefault(group_of[index], len(numbers))
    return tuple(numbers[group_of[index]] for index in range(len(tree.order)))


def best_count(tree: Tree, distances: Float64[np.ndarray, "model model"]) -> int:
    """The number of clusters, 2 to 30, with the largest mean silhouette; 1 where none is above 0.

    The smaller number wins a tie. Fewer than three networks form one cluster.
    """
    most = min(len(distances) - 1, MOST_CLUSTERS_CHOSEN)
    silhouettes = [
        (mean_silhouette(distances, cut(tree, count)), -count) for count in range(2, most + 1)
    ]
    quality, negative = max(silhouettes, default=(0.0, -1))
    return -negative if quality > 0 else 1


def mean_silhouette(
    distances: Float64[np.ndarray, "model model"], groups: tuple[int, ...]
) -> float:
    """Mean over networks of (b − a)/max(a, b).

    a is the mean distance to the others of the own group, b the smallest mean distance to another
    group; 0 for the only network of its group. Needs at least two groups.

    Source: Rousseeuw 1987, Silhouettes.
    """
    member = np.eye(max(groups) + 1)[list(groups)]
    sizes = member.sum(axis=0)
    sums = distances @ member
    own_cluster = member.astype(bool)
    others = np.maximum(sizes[list(groups)] - 1, 1)
    inside = sums[own_cluster] / others
    outside = np.where(own_cluster, np.inf, sums / sizes).min(axis=1)
    larger = np.maximum(inside, outside)
    counts = (sizes[list(groups)] > 1) & (larger > 0)
    values = np.divide(outside - inside, larger, out=np.zeros_like(larger), where=counts)
    return float(values.mean())


def medoids(
    distances: Float64[np.ndarray, "model model"], groups: tuple[int, ...]
) -> tuple[int, ...]:
    """The medoid of every cluster: the network with the smallest mean distance to its cluster."""
    member = np.array(groups)
    indices = []
    for group in range(max(groups) + 1):
        members = np.flatnonzero(member == group)
        indices.append(int(members[distances[np.ix_(members, members)].sum(axis=1).argmin()]))
    return tuple(indices)
