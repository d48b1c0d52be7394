"""Many networks find a place from their sketches, near those that are similar."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

from service.core.sketches import EDGE_SCALE, NODE_SKETCH_SIZE, SKETCH_SIZE
from workers.torchkit.similarity import sketch_plane
from workers.torchkit.similarity.sketch_plane import LANDMARKS


def sketches(count: int) -> np.ndarray:
    """Sketches as stored: a unit vector of nodes, and one of edges of half the length."""
    values = np.random.default_rng(5).normal(size=(count, SKETCH_SIZE)).astype(np.float32)
    for part, length in (
        (slice(None, NODE_SKETCH_SIZE), 1.0),
        (slice(NODE_SKETCH_SIZE, None), EDGE_SCALE),
    ):
        values[:, part] *= length / np.linalg.norm(values[:, part], axis=1, keepdims=True)
    return values


def test_products_are_the_weighted_similarity_over_its_largest_value() -> None:
    rows = sketches(5).astype(np.float64)
    node = rows[:, :NODE_SKETCH_SIZE] @ rows[:, :NODE_SKETCH_SIZE].T
    edge = rows[:, NODE_SKETCH_SIZE:] @ rows[:, NODE_SKETCH_SIZE:].T / EDGE_SCALE**2

    units = sketch_plane.unit_vectors(sketches(5), edge_weight=4.0)

    assert_allclose(units @ units.T, (node + 4.0 * edge) / 5.0, atol=1e-6)


def test_distances_are_those_of_the_unit_vectors() -> None:
    units = sketch_plane.unit_vectors(sketches(7), edge_weight=0.25)

    distances = sketch_plane.distances(units, units[:3])

    assert_allclose(distances, cdist(units, units[:3]), atol=1e-3)


def test_networks_with_a_position_are_landmarks_first() -> None:
    has_position = np.zeros(2 * LANDMARKS, dtype=bool)
    has_position[[3, 500, 799]] = True

    landmarks = sketch_plane.landmarks_of(has_position)

    assert len(set(landmarks.tolist())) == LANDMARKS
    assert {3, 500, 799} <= set(landmarks.tolist())
    assert_array_equal(landmarks, sketch_plane.landmarks_of(has_position))


def test_a_network_is_placed_where_no_search_finds_less_stress() -> None:
    random = np.random.default_rng(2)
    fixed = random.normal(size=(30, 2))
    deltas = np.abs(cdist(random.normal(size=(6, 2)), fixed) + 0.2 * random.normal(size=(6, 30)))

    points = sketch_plane.placed_around(deltas, fixed)

    for point, row in zip(points, deltas, strict=True):
        stress = lambda at, row=row: np.square(cdist(at[None], fixed)[0] - row).sum()  # noqa: E731
        least = min(minimize(stress, start).fun for start in fixed)
        assert stress(point) <= 1.02 * least


def test_stress_is_kruskals_over_the_distances_to_landmarks() -> None:
    points = np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])

    stress = sketch_plane.stress_to(points, points[:1], np.array([[0.0], [5.0], [9.0]]))

    assert stress == np.sqrt(1.0 / 125.0)
