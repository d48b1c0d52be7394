"""Every network knows the most similar others, and no unknown one."""

import numpy as np

from tests.methods.oracles import transferability_map as oracle
from workers.torchkit.similarity.neighbor_graph import nearest, pairs


def symmetric(count: int = 9) -> np.ndarray:
    square = np.random.default_rng(0).integers(0, 6, size=(count, count)).astype(float)
    return square + square.T


def test_neighbors_are_the_slow_twins_ties_and_unknowns_included() -> None:
    similarity = symmetric()
    similarity[2, 5] = similarity[5, 2] = np.nan

    neighbors = nearest(similarity, k=4)

    assert [[neighbor.index for neighbor in near] for near in neighbors] == oracle.nearest(
        similarity.tolist(), 4
    )
    assert all(
        neighbor.similarity == similarity[index, neighbor.index]
        for index, near in enumerate(neighbors)
        for neighbor in near
    )


def test_a_network_that_nobody_can_be_compared_with_has_no_neighbor() -> None:
    similarity = symmetric(4)
    similarity[1], similarity[:, 1] = np.nan, np.nan

    neighbors = nearest(similarity, k=3)

    assert neighbors[1] == ()
    assert all(neighbor.index != 1 for near in neighbors for neighbor in near)


def test_pairs_are_joined_once_regardless_of_direction() -> None:
    similarity = np.array([[0.0, 9.0, 1.0], [9.0, 0.0, 2.0], [1.0, 2.0, 0.0]])

    assert pairs(nearest(similarity, k=1)) == {(0, 1): 9.0, (1, 2): 2.0}


def test_one_network_has_no_neighbors() -> None:
    assert nearest(np.ones((1, 1)), k=0) == ((),)
