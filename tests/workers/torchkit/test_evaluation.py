"""Rankings are judged as the papers judge them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from workers.torchkit.similarity.evaluation import (
    argmax_regret,
    mean_column_spearman,
    oracle_precision,
    orders,
    random_precision,
    regret_at_one,
    retrieval,
)

NOBODY = np.array([-1])


def test_a_target_is_left_out_of_its_own_sources_and_ties_keep_their_order() -> None:
    scores = np.array([[1.0, 0.2, 0.9, 0.9], [0.5, 0.4, 0.5, 0.6]])

    assert_array_equal(orders(scores, np.array([0, 1])), [[2, 3, 1], [3, 0, 2]])


def test_a_target_that_is_no_source_keeps_all() -> None:
    assert_array_equal(orders(np.array([[0.1, 0.3, 0.2]]), NOBODY), [[1, 2, 0]])


def test_hits_precision_and_recall_by_hand() -> None:
    truth = np.array([[0, 1, 2, 3, 4, 5, 6, 7]])
    retrieved = np.array([[0, 7, 1, 6, 2, 5, 3, 4]])

    counted = retrieval(retrieved, truth)

    assert counted.hits.tolist() == [1, 1, 2, 2, 3, 3, 4, 5]
    assert_allclose(counted.precision, np.array([1, 1, 2, 2, 3, 3, 4, 5]) / np.arange(1, 9))
    assert_allclose(counted.recall, np.array([1, 1, 2, 2, 3, 3, 4, 5]) / 5)


def test_a_perfect_order_meets_the_oracle_and_chance_the_random_line() -> None:
    truth = np.arange(12)[None]
    rng = np.random.default_rng(0)
    shuffled = np.stack([rng.permutation(12) for _ in range(4000)])

    assert_allclose(retrieval(truth, truth).precision, oracle_precision(12))
    by_chance = retrieval(shuffled, np.repeat(truth, 4000, axis=0)).precision
    assert_allclose(by_chance, random_precision(12), atol=0.02)


def test_column_correlation_is_averaged() -> None:
    ours = np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]])
    theirs = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])

    assert mean_column_spearman(ours, theirs) == pytest.approx(0.0)


def test_regret_is_what_the_first_choice_costs() -> None:
    scores = np.array([[0.9, 0.1, 0.5]])
    gains = np.array([[0.70, 0.60, 0.85]])

    assert regret_at_one(scores, gains, NOBODY) == pytest.approx(0.15)


def test_regret_of_a_choice_of_layer_is_that_of_the_deepest_of_equals() -> None:
    gains = np.array([0.70, 0.60, 0.85, 0.80])

    assert argmax_regret(np.array([0.9, 0.1, 0.5, 0.9]), gains) == pytest.approx(0.05)
    assert argmax_regret(np.array([0.1, 0.2, 0.5, 0.3]), gains) == 0.0
