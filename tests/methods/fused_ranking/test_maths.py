"""Every equation agrees with its slow twin, and with paper where paper is enough."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.methods.oracles import fused_ranking as oracle
from workers.methods.fused_ranking import maths

RNG = np.random.default_rng(3)
MEANS = np.array([0.3, 0.1])
PAIR = np.array([[0.5, 0.2], [0.2, 0.4]])


def holed(models: int, datasets: int) -> np.ndarray:
    table = RNG.uniform(0.2, 0.9, (models, datasets))
    table[RNG.random(table.shape) < 0.2] = np.nan
    return table


def test_the_static_list_is_the_mean_standardized_accuracy() -> None:
    table = holed(9, 6)

    found = maths.static_list(maths.standardized(table))

    np.testing.assert_allclose(found, oracle.static_list(table), atol=1e-12)


def test_the_static_list_by_hand() -> None:
    table = np.array([[1.0, 10.0], [3.0, np.nan], [np.nan, 30.0]])

    found = maths.static_list(maths.standardized(table))

    np.testing.assert_allclose(found, [-1.0, 1.0, 1.0])


def test_a_constant_column_is_zero_and_an_unknown_row_stays_unknown() -> None:
    z = maths.standardized(np.array([[5.0, np.nan], [5.0, np.nan], [np.nan, np.nan]]))

    assert z[:2, 0].tolist() == [0.0, 0.0]
    assert np.isnan(maths.static_list(z)[2])


@given(st.floats(-1e6, 1e6))
def test_soft_limits_keep_the_order_and_the_middle(value: float) -> None:
    found = float(maths.soft_limited(np.array([value]))[0])

    assert found == pytest.approx(oracle.soft_limited(value), rel=1e-12, abs=1e-12)
    assert found <= float(maths.soft_limited(np.array([value + 1.0]))[0])


def test_spread_is_that_of_a_normal_even_with_failures() -> None:
    values = np.append(RNG.normal(0.7, 0.1, 2000), np.full(100, 0.0))

    middle, spread = maths.middle_and_spread(values)

    assert middle == pytest.approx(0.69, abs=0.02)
    assert spread == pytest.approx(0.1, rel=0.15)


def test_ability_shrinks_models_with_little_history_more() -> None:
    z = np.array([[1.0, 1.2, 0.8], [1.0, np.nan, np.nan], [-1.0, -1.1, -0.9], [np.nan] * 3])

    mean, uncertainty = maths.ability(z)

    assert mean[0] > mean[1] > mean[3] == 0
    assert (np.diff(uncertainty[[0, 1, 3]]) > 0).all()


def test_ability_of_a_full_table_keeps_the_static_order() -> None:
    z = maths.standardized(RNG.uniform(size=(8, 5)))

    mean, _ = maths.ability(z)

    assert np.argsort(mean).tolist() == np.argsort(maths.static_list(z)).tolist()


def test_likeness_agrees_with_pairs() -> None:
    points, others = RNG.normal(size=(4, 3)), RNG.normal(size=(5, 3))

    found = maths.squared_exponential(points, others, width=0.7)

    expected = [[oracle.squared_exponential(p, q, 0.7) for q in others] for p in points]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_features_of_full_rank_rebuild_the_kernel() -> None:
    points = RNG.normal(size=(6, 2))
    kernel = maths.squared_exponential(points, points, width=1.0)

    features = maths.low_rank(kernel, kernel, rank=6)

    np.testing.assert_allclose(features @ features.T, kernel, atol=1e-3)


def test_conditioning_equals_brute_force_on_a_small_joint_gaussian() -> None:
    root = RNG.normal(size=(5, 5))
    joint, mean, values = root @ root.T, RNG.normal(size=5), np.array([0.4, -1.0])
    seen, noise = [1, 3], 0.2

    found = maths.conditioned(
        mean,
        joint[:, seen],
        joint[np.ix_(seen, seen)] + noise**2 * np.eye(2),
        values - mean[seen],
    )

    np.testing.assert_allclose(found, oracle.conditioned(joint, mean, seen, values, noise))


def test_log_density_is_that_of_scipy() -> None:
    found = maths.gaussian_log_density(MEANS, PAIR)

    assert found == pytest.approx(
        oracle.log_evidence([MEANS], [np.zeros((2, 1))], [PAIR], np.zeros(1), np.ones(1))
    )


def test_two_models_agree_with_the_closed_form() -> None:
    draws = np.random.default_rng(0).multivariate_normal(MEANS, PAIR, size=200_000)

    shares, regrets = maths.best_shares(draws), maths.expected_regrets(draws)

    assert shares[0] == pytest.approx(oracle.first_is_best(MEANS, PAIR), abs=0.005)
    assert regrets[0] == pytest.approx(oracle.regret_of_first(MEANS, PAIR), abs=0.005)


def test_ties_for_the_best_are_shared() -> None:
    assert maths.best_shares(np.array([[1.0, 1.0, 0.0], [2.0, 0.0, 0.0]])).tolist() == [
        0.75,
        0.25,
        0,
    ]


@given(st.lists(st.integers(1, 20), min_size=1, max_size=7), st.floats(0.05, 1.0))
def test_no_smaller_set_reaches_the_coverage(weights: list[int], coverage: float) -> None:
    shares = np.array(weights, dtype=np.float64) / sum(weights)

    kept = maths.smallest_set(shares, coverage=coverage)

    assert len(kept) == oracle.smallest_size(shares.tolist(), coverage)
    assert shares[kept].sum() >= coverage - 1e-9


def test_better_means_by_three_standard_errors() -> None:
    even = np.array([0.5, 0.6, 0.4, 0.5])

    assert maths.clearly_better(even + np.array([0.1, 0.11, 0.09, 0.1]), even)
    assert not maths.clearly_better(even + np.array([0.3, -0.2, 0.1, 0.0]), even)
    assert not maths.clearly_better(even, even)


def test_a_static_list_that_orders_every_held_out_column_has_merit_one() -> None:
    table = np.arange(5.0)[:, None] + np.zeros((5, 3))

    assert maths.static_merits(maths.standardized(table), table).tolist() == pytest.approx([1] * 3)
