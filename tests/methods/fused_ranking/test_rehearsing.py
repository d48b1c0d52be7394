"""Intervals and tempers come from what runs would have shown on datasets with known accuracies."""

import numpy as np
import pytest

from workers.methods.fused_ranking.rehearsing import interval_ends, set_level

RNG = np.random.default_rng(9)


def test_without_rehearsals_the_ends_are_normal() -> None:
    assert interval_ends([], coverage=0.8) == pytest.approx((-1.2816, 1.2816), abs=1e-4)


def test_the_ends_hold_the_stated_share_of_all_misses() -> None:
    misses = [RNG.standard_t(3, size=200) * 2 + 0.5 for _ in range(30)]

    low, high = interval_ends(misses, coverage=0.8)

    pooled = np.concatenate(misses)
    assert ((pooled >= low) & (pooled <= high)).mean() == pytest.approx(0.8, abs=0.02)
    assert (pooled < low).mean() == pytest.approx(0.1, abs=0.02)


def test_zero_is_inside_even_if_every_prediction_was_too_low() -> None:
    misses = [RNG.uniform(1, 2, size=100) for _ in range(30)]

    low, high = interval_ends(misses, coverage=0.8)

    assert low == 0.0
    assert high > 1.5


def test_the_level_of_a_set_is_the_coverage_if_probabilities_were_exact() -> None:
    exact = (np.arange(50) + 0.5) / 50

    assert set_level(exact, coverage=0.8) == pytest.approx(0.8, abs=0.02)
    assert set_level(np.zeros(20), coverage=0.8) == 0.8


def test_sets_grow_until_they_would_have_held_the_stated_share_of_winners() -> None:
    shares = np.append(np.zeros(20), np.full(10, 0.97))

    level = set_level(shares, coverage=0.8)

    assert level > 0.97
    assert (shares < level).mean() >= 0.8
