"""Clusters are the tree cut once, and their number is where groups are told apart best."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.distance import pdist, squareform

from service.core.catalog.transferability_map import Linkage
from tests.methods.oracles import transferability_map as oracle
from workers.torchkit.similarity.clusters import (
    best_count,
    clusters,
    cut,
    mean_silhouette,
    medoids,
)
from workers.torchkit.similarity.trees import Tree, row_distances, task_tree


def families(count: int, size: int) -> np.ndarray:
    """Similarities of networks that come in families."""
    numbers = np.random.default_rng(0)
    centers = numbers.normal(size=(count, 20))
    rows = np.repeat(centers, size, axis=0) + 0.3 * numbers.normal(size=(count * size, 20))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows @ rows.T


def grown(similarity: np.ndarray, method: Linkage = Linkage.SINGLE) -> tuple[Tree, np.ndarray]:
    return task_tree(similarity, method=method), row_distances(similarity)


@pytest.mark.parametrize("method", Linkage)
def test_families_are_found_without_their_number(method: Linkage) -> None:
    tree, distances = grown(families(4, 5), method)

    groups = clusters(tree, distances)

    assert max(groups) == 3
    assert all(len(set(groups[start : start + 5])) == 1 for start in range(0, 20, 5))


@pytest.mark.parametrize("count", [1, 2, 7, 12])
def test_as_many_clusters_as_asked_for_numbered_along_the_tree(count: int) -> None:
    tree, distances = grown(families(3, 4))

    groups = clusters(tree, distances, count=count)

    first_met = list(dict.fromkeys(groups[index] for index in tree.order))
    assert first_met == list(range(count))


def test_fewer_clusters_are_unions_of_more() -> None:
    tree, _ = grown(families(3, 4))

    for count in range(2, 12):
        pairs = set(zip(cut(tree, count), cut(tree, count - 1), strict=True))
        assert len(pairs) == count


def test_the_silhouette_is_the_slow_twins() -> None:
    distances = squareform(pdist(np.random.default_rng(1).normal(size=(9, 3))))
    groups = (0, 0, 1, 1, 1, 2, 3, 3, 0)

    silhouette = mean_silhouette(distances, groups)

    assert silhouette == pytest.approx(oracle.mean_silhouette(distances.tolist(), groups))


def test_the_silhouette_of_two_pairs_on_paper() -> None:
    distances = squareform(pdist(np.array([[0.0], [1.0], [4.0], [5.0]])))

    # Outer points: (4.5 − 1)/4.5; inner ones: (3.5 − 1)/3.5.
    wanted = (2 * 3.5 / 4.5 + 2 * 2.5 / 3.5) / 4

    assert mean_silhouette(distances, (0, 0, 1, 1)) == pytest.approx(wanted)


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_networks_are_one_cluster(count: int) -> None:
    tree, distances = grown(np.eye(count))

    assert best_count(tree, distances) == 1
    assert clusters(tree, distances) == (0,) * count


def test_equal_networks_are_one_cluster() -> None:
    tree, distances = grown(np.ones((5, 5)))

    assert clusters(tree, distances) == (0,) * 5


def test_the_typical_network_is_the_one_in_the_middle() -> None:
    distances = squareform(pdist(np.array([[0.0], [1.0], [2.0], [9.0]])))

    assert medoids(distances, (0, 0, 0, 1)) == (1, 3)
    assert_allclose(distances.diagonal(), 0)
