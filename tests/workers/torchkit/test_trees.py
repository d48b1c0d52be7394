"""The tree joins what is alike first, and is the one that slow clustering finds."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from service.core.catalog.transferability_map import Linkage
from tests.methods.oracles import transferability_map as oracle
from workers.torchkit.similarity.trees import linkage_matrix, task_tree, with_unit_diagonal

TWO_FAMILIES = np.array(
    [
        [1.0, 0.1, 0.9, 0.2],
        [0.1, 1.0, 0.2, 0.8],
        [0.9, 0.2, 1.0, 0.1],
        [0.2, 0.8, 0.1, 1.0],
    ]
)


def random_similarity(count: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, 5))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows @ rows.T


def test_single_linkage_heights_are_the_slow_twins() -> None:
    similarity = random_similarity(12)

    heights = [join.height for join in task_tree(similarity).joins]

    assert_allclose(heights, oracle.single_linkage_heights(similarity.tolist()))


@pytest.mark.parametrize("method", Linkage)
def test_families_join_first_and_stand_together(method: Linkage) -> None:
    tree = task_tree(TWO_FAMILIES, method=method)

    first = {frozenset((join.left, join.right)) for join in tree.joins[:2]}
    assert first == {frozenset((0, 2)), frozenset((1, 3))}
    assert {frozenset(tree.order[:2]), frozenset(tree.order[2:])} == first
    assert tree.joins[-1].size == 4


def test_the_diagonal_given_plays_no_part() -> None:
    strange = TWO_FAMILIES.copy()
    np.fill_diagonal(strange, 7.0)

    assert task_tree(strange) == task_tree(TWO_FAMILIES)
    assert strange[0, 0] == 7.0
    assert_allclose(with_unit_diagonal(strange), TWO_FAMILIES)


def test_one_network_is_a_tree_of_itself() -> None:
    tree = task_tree(np.ones((1, 1)))

    assert (tree.joins, tree.order) == ((), (0,))
    assert linkage_matrix(tree).shape == (0, 4)


def test_every_network_is_drawn_once_beyond_the_optimal_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("workers.torchkit.similarity.trees.LARGEST_OPTIMAL_ORDER", 3)

    assert sorted(task_tree(random_similarity(9)).order) == list(range(9))
