"""The plane shows distances as well as it can, and the same way every time."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.distance import pdist, squareform

from tests.methods.oracles import transferability_map as oracle
from workers.torchkit.similarity.layout import (
    classical_scaling,
    dissimilarities,
    filled_by_median,
    layout,
    majorized,
    stress_one,
)


def flat(count: int = 8) -> np.ndarray:
    """Distances of points that do lie in a plane."""
    return squareform(pdist(np.random.default_rng(0).normal(size=(count, 2))))


def deep(count: int = 12) -> np.ndarray:
    """Distances of points that need eight axes."""
    return squareform(pdist(np.random.default_rng(1).normal(size=(count, 8))))


def test_points_of_a_plane_come_back_without_stress() -> None:
    result = layout(flat())

    assert result.stress < 1e-6
    assert_allclose(squareform(pdist(result.points)), flat(), atol=1e-6)


def test_stress_is_the_slow_twins() -> None:
    result = layout(deep())

    assert result.stress == pytest.approx(oracle.stress(result.points.tolist(), deep().tolist()))


def test_majorization_never_raises_stress_and_improves_on_the_start() -> None:
    points = classical_scaling(deep())
    raw = [np.square(pdist(points) - squareform(deep())).sum()]

    for _ in range(20):
        points = majorized(points, deep())
        raw.append(np.square(pdist(points) - squareform(deep())).sum())

    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(raw))
    assert layout(deep()).stress < stress_one(classical_scaling(deep()), deep())


def test_the_same_input_gives_the_same_picture() -> None:
    assert_allclose(layout(deep()).points, layout(deep()).points, rtol=0, atol=0)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_networks_have_a_place_too(count: int) -> None:
    result = layout(np.ones((count, count)) - np.eye(count))

    assert result.points.shape == (count, 2)
    assert result.stress < 1e-6


def test_networks_without_any_difference_stand_on_one_point() -> None:
    result = layout(np.zeros((4, 4)))

    assert_allclose(result.points, np.zeros((4, 2)))
    assert result.stress == 0.0


def test_dissimilarity_is_the_distance_of_unit_vectors() -> None:
    rows = np.random.default_rng(0).normal(size=(5, 3))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)

    assert_allclose(
        dissimilarities(1.5 * rows @ rows.T, edge_weight=0.5),
        squareform(pdist(rows)),
        atol=1e-7,
    )


def test_unknown_values_take_the_median() -> None:
    square = np.array([[0.0, 1.0, np.nan], [1.0, 0.0, 3.0], [np.nan, 3.0, 0.0]])

    assert filled_by_median(square)[0, 2] == 2.0
