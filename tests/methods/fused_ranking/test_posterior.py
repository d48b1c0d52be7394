"""The posterior is that of a dense mixture of Gaussians, and its draws agree with its moments."""

import numpy as np
import pytest
from scipy.stats import norm

from tests.methods.oracles import fused_ranking as oracle
from workers.methods.fused_ranking.posterior import (
    GRID,
    AccuracyPrior,
    Runs,
    Scale,
    draws_of,
    moments_of,
    scale_of,
)
from workers.methods.fused_ranking.signals import column_of

RNG = np.random.default_rng(6)
SCALE = Scale(0.7, 0.1, 0.05, 0.4, 0.003)
PRIORS = [
    AccuracyPrior(RNG.normal(size=5), 0.5 * RNG.normal(size=(5, 3)), RNG.uniform(0.1, 0.4, 5))
    for _ in range(2)
]
MEASURED = np.array([False, True, False, True, False])
VALUES = np.array([0.72, 0.66])


def dense(prior: AccuracyPrior) -> tuple[np.ndarray, np.ndarray]:
    parts = []
    covariance = prior.factors @ prior.factors.T + np.diag(prior.free)
    for node in GRID:
        slope = SCALE.slope * np.exp(SCALE.log_slope_deviation * node)
        whole = SCALE.level_deviation**2 + slope**2 * covariance
        parts.append((float(norm.pdf(node)), SCALE.level + slope * prior.mean, whole))
    return oracle.after_runs(parts, [1, 3], VALUES, SCALE.noise)


def test_the_moments_of_one_link_are_those_of_a_dense_mixture() -> None:
    mean, deviation = dense(PRIORS[0])

    moments = moments_of(PRIORS[:1], SCALE, Runs(MEASURED, VALUES))

    np.testing.assert_allclose(moments.mean, mean, atol=2e-5)
    np.testing.assert_allclose(moments.deviation, deviation, atol=2e-5)


def test_two_links_count_equally() -> None:
    (first, _), (second, _) = dense(PRIORS[0]), dense(PRIORS[1])

    moments = moments_of(PRIORS, SCALE, Runs(MEASURED, VALUES))

    np.testing.assert_allclose(moments.mean, (first + second) / 2, atol=2e-5)


@pytest.mark.parametrize("runs", [Runs(MEASURED, VALUES), Runs(MEASURED & False, VALUES[:0])])
def test_draws_have_the_moments(runs: Runs) -> None:
    moments = moments_of(PRIORS, SCALE, runs)

    draws = draws_of(PRIORS, SCALE, runs, count=40_000, seed=0)

    np.testing.assert_allclose(draws.mean(axis=0), moments.mean, atol=3e-3)
    np.testing.assert_allclose(draws.std(axis=0), moments.deviation, rtol=0.05, atol=2e-4)


def test_equal_questions_get_equal_draws() -> None:
    runs = Runs(MEASURED, VALUES)

    first, second = (draws_of(PRIORS, SCALE, runs, count=100, seed=3) for _ in range(2))

    np.testing.assert_array_equal(first, second)


def test_a_column_with_one_value_has_a_level_but_no_slope() -> None:
    normal = column_of(np.linspace(0.5, 0.8, 9))
    single = column_of(np.array([0.9] + [np.nan] * 8))

    scale = scale_of([normal, single], unit=1.0)

    assert scale.slope == pytest.approx(normal.slope)
    assert scale.level == pytest.approx((0.65 + 0.9 + 2 * 0.7) / 4)
