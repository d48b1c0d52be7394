"""New networks find a place, and nobody who has one is moved."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import pdist, squareform

from tests.methods.oracles import transferability_map as oracle
from workers.torchkit.similarity.layout import layout
from workers.torchkit.similarity.placement import (
    layout_around,
    nearest_start,
    new_points,
    placement_step,
    placement_stress,
    turned_start,
)


def apart(count: int, *, axes: int = 6, seed: int = 0) -> np.ndarray:
    """Distances of random points that need more axes than the plane has."""
    return squareform(pdist(np.random.default_rng(seed).normal(size=(count, axes))))


def with_missing(old: np.ndarray, count: int) -> np.ndarray:
    points = np.full((count, 2), np.nan)
    points[: len(old)] = old
    return points


@pytest.mark.parametrize("old", [1, 2, 3, 30])
def test_old_points_are_equal_to_the_last_bit(old: int) -> None:
    wanted = apart(33)
    before = layout(wanted[:old, :old]).points

    after = layout_around(wanted, with_missing(before, 33))

    assert_array_equal(after.points[:old], before)
    assert np.isfinite(after.points).all()
    assert after.stress == pytest.approx(oracle.stress(after.points.tolist(), wanted.tolist()))


def test_three_more_cost_little_more_stress_than_a_fresh_layout() -> None:
    wanted = apart(33)
    before = layout(wanted[:30, :30])

    after = layout_around(wanted, with_missing(before.points, 33))

    assert after.stress < layout(wanted).stress + 0.02


def test_a_new_network_among_points_of_a_plane_stands_where_it_belongs() -> None:
    points = np.random.default_rng(3).normal(size=(12, 2))
    wanted = squareform(pdist(points))

    placed = new_points(wanted, points[:10])

    assert_allclose(placed, points[10:], atol=1e-3)


def test_the_order_of_old_and_new_plays_no_part() -> None:
    wanted = apart(12)
    before = layout(wanted[:9, :9]).points
    order = np.random.default_rng(1).permutation(12)
    known_points = with_missing(before, 12)

    straight = layout_around(wanted, known_points)
    mixed = layout_around(wanted[np.ix_(order, order)], known_points[order])

    assert_array_equal(mixed.points[np.argsort(order)][:9], before)
    assert mixed.stress == pytest.approx(straight.stress, abs=1e-3)


def test_the_same_input_gives_the_same_places() -> None:
    known_points = with_missing(layout(apart(20)[:15, :15]).points, 20)

    first, second = (layout_around(apart(20), known_points).points for _ in range(2))

    assert_array_equal(first, second)


def test_without_any_place_all_is_laid_out_afresh_and_with_all_nothing_changes() -> None:
    wanted = apart(8)

    fresh = layout_around(wanted, np.full((8, 2), np.nan))
    unchanged = layout_around(wanted, fresh.points)

    assert_array_equal(fresh.points, layout(wanted).points)
    assert_array_equal(unchanged.points, fresh.points)
    assert unchanged.stress == pytest.approx(fresh.stress)


def test_stress_of_placing_and_its_step_are_the_slow_twins() -> None:
    wanted = apart(9)
    fixed = np.random.default_rng(5).normal(size=(6, 2))
    new = np.random.default_rng(6).normal(size=(3, 2))
    arguments = (new.tolist(), wanted.tolist(), fixed.tolist())

    assert placement_stress(new, wanted, fixed) == pytest.approx(
        oracle.placement_stress(*arguments)
    )
    assert_allclose(
        placement_step(new, wanted, fixed), oracle.placement_step(*arguments), atol=1e-9
    )


def test_a_step_never_raises_the_stress_of_placing() -> None:
    wanted = apart(20)
    fixed = layout(wanted[:12, :12]).points
    for start in (turned_start(wanted, fixed), nearest_start(wanted, fixed)):
        points, stresses = start, [placement_stress(start, wanted, fixed)]

        for _ in range(30):
            points = placement_step(points, wanted, fixed)
            stresses.append(placement_stress(points, wanted, fixed))

        assert all(later <= earlier + 1e-9 for earlier, later in pairwise(stresses))
