"""Measures of an order are those of scipy, and those of paper."""

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr, weightedtau

from workers.tools.ranking_bench.measures import bootstrapped, rank_measures

TRUTH = np.array([0.9, 0.8, 0.7, 0.4])


def test_a_perfect_order_has_no_regret() -> None:
    measures = rank_measures(TRUTH, np.array([4.0, 3, 2, 1]), k=2, points=100)

    assert measures == pytest.approx(
        {"weighted_tau": 1, "tau": 1, "spearman": 1, "regret": 0, "recall": 1}
    )


def test_measures_are_those_of_scipy() -> None:
    rng = np.random.default_rng(1)
    truth, guess = rng.normal(size=(2, 30))

    measures = rank_measures(truth, guess, k=5, points=1)

    assert measures is not None
    assert measures["weighted_tau"] == pytest.approx(weightedtau(truth, guess).statistic)
    assert measures["tau"] == pytest.approx(kendalltau(truth, guess).statistic)
    assert measures["spearman"] == pytest.approx(spearmanr(truth, guess).statistic)


def test_regret_is_in_points_against_all_models_and_recall_counts_the_first_k() -> None:
    guess = np.array([np.nan, 1.0, 3.0, 2.0])

    measures = rank_measures(TRUTH, guess, k=2, points=100)

    assert measures is not None
    assert measures["regret"] == pytest.approx(20)
    assert measures["recall"] == 0


def test_a_constant_order_has_no_correlation() -> None:
    measures = rank_measures(TRUTH, np.ones(4), k=1, points=1)

    assert measures is not None
    assert (measures["weighted_tau"], measures["tau"], measures["spearman"]) == (0, 0, 0)


def test_one_common_model_is_too_few() -> None:
    assert rank_measures(TRUTH, np.array([1.0, np.nan, np.nan, np.nan]), k=1, points=1) is None


def test_the_bootstrap_interval_is_that_of_the_mean() -> None:
    values = np.random.default_rng(0).normal(3, 1, 400)

    interval = bootstrapped(values, replicates=2000, seed=0)

    error = values.std() / np.sqrt(400)
    assert interval.mean == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - 1.96 * error, abs=0.015)
    assert interval.high == pytest.approx(values.mean() + 1.96 * error, abs=0.015)
    assert interval == bootstrapped(values, replicates=2000, seed=0)
