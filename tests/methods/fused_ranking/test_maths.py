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

    scores = maths.static_list(maths.standardized(table))

    np.testing.assert_allclose(scores, oracle.static_list(table), atol=1e-12)


def test_the_static_list_by_hand() -> None:
    table = np.array([[1.0, 10.0], [3.0, np.nan], [np.nan, 30.0]])

    scores = maths.static_list(maths.standardized(table))

    np.testing.assert_allclose(scores, [-1.0, 1.0, 1.0])


def test_a_constant_column_is_zero_and_an_unknown_row_stays_unknown() -> None:
    z = maths.standardized(np.array([[5.0, np.nan], [5.0, np.nan], [np.nan, np.nan]]))

    assert z[:2, 0].tolist() == [0.0, 0.0]
    assert np.isnan(maths.static_list(z)[2])


@given(st.floats(-1e6, 1e6))
def test_soft_limits_keep_the_order_and_the_middle(value: float) -> None:
    limited = float(maths.soft_limited(np.array([value]))[0])

    assert limited == pytest.approx(oracle.soft_limited(value), rel=1e-12, abs=1e-12)
    assert limited <= float(maths.soft_limited(np.array([value + 1.0]))[0])


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

    likeness = maths.squared_exponential(points, others, width=0.7)

    expected = [[oracle.squared_exponential(p, q, 0.7) for q in others] for p in points]
    np.testing.assert_allclose(likeness, expected, rtol=1e-9)


def test_features_of_full_rank_rebuild_the_kernel() -> None:
    points = RNG.normal(size=(6, 2))
    kernel = maths.squared_exponential(points, points, width=1.0)

    features = maths.low_rank(kernel, kernel, rank=6)

    np.testing.assert_allclose(features @ features.T, kernel, atol=1e-3)


def test_conditioning_equals_brute_force_on_a_small_joint_gaussian() -> None:
    root = RNG.normal(size=(5, 5))
    joint, mean, values = root @ root.T, RNG.normal(size=5), np.array([0.4, -1.0])
    measured, noise = [1, 3], 0.2

    gain = maths.gain(joint[:, measured], joint[np.ix_(measured, measured)] + noise**2 * np.eye(2))

    np.testing.assert_allclose(
        mean + gain @ (values - mean[measured]),
        oracle.conditioned(joint, mean, measured, values, noise),
    )


def test_log_density_is_that_of_scipy() -> None:
    density = maths.gaussian_log_density(MEANS, PAIR)

    assert density == pytest.approx(
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

    chosen = maths.smallest_set(shares, coverage=coverage)

    assert len(chosen) == oracle.smallest_size(shares.tolist(), coverage)
    assert shares[chosen].sum() >= coverage - 1e-9


def test_harm_means_two_standard_errors_below_zero() -> None:
    assert maths.clearly_harmful(np.array([-0.1, -0.11, -0.09, -0.1]))
    assert not maths.clearly_harmful(np.array([-0.3, 0.2, -0.1, 0.0]))
    assert not maths.clearly_harmful(np.zeros(4))
    assert not maths.clearly_harmful(np.array([-0.1, -0.1]))


def test_normal_scores_agree_with_pairs() -> None:
    values = RNG.normal(0.7, 0.05, 30)
    spread = maths.middle_and_spread(values)[1]

    scores = maths.normal_scores(np.append(values, np.nan))

    np.testing.assert_allclose(scores[:-1], oracle.normal_scores(values.tolist(), spread))
    assert np.isnan(scores[-1])


def test_failed_runs_share_one_normal_score() -> None:
    failed = 0.1 + 0.0005 * RNG.normal(size=70)
    values = np.append(failed, np.linspace(0.6, 0.9, 30))

    scores = maths.normal_scores(values)

    assert np.ptp(scores[:70]) < 0.1
    assert scores[:70].mean() == pytest.approx(-0.385, abs=0.02)
    assert (np.diff(scores[70:]) > 0).all()


def test_failed_runs_do_not_collapse_the_scale_of_a_column() -> None:
    values = np.append(np.full(70, 0.1), np.linspace(0.6, 0.9, 30))

    _, spread = maths.middle_and_spread(values)

    assert spread > 0.3


def test_the_value_of_measuring_is_the_integral() -> None:
    mean, deviation = np.array([0.8, 0.78, 0.5]), np.array([0.03, 0.02, 0.2])

    values = maths.values_of_measuring(mean, np.ones(3), mean, deviation)

    expected = [oracle.value_of_measuring(mean.tolist(), deviation[at], at) for at in range(3)]
    np.testing.assert_allclose(values, expected, atol=1e-6)
    assert (values >= 0).all()


def test_a_run_that_may_fail_is_worth_what_its_success_adds() -> None:
    learned, success, floor = np.array([0.8, 0.85, 0.9]), np.array([1.0, 0.5, 0.2]), 0.1
    mean = success * learned + (1 - success) * floor

    values = maths.values_of_measuring(mean, success, learned, np.full(3, 1e-9))

    others = [mean[1], 0.8, 0.8]
    expected = [
        success[at] * max(learned[at], others[at])
        + (1 - success[at]) * max(floor, others[at])
        - 0.8
        for at in range(3)
    ]
    np.testing.assert_allclose(values, expected, atol=1e-8)
