"""Failed runs are recognized, and say how likely a network learns instead of how good it is."""

from dataclasses import replace

import numpy as np
import pytest
from numpy import ndarray

from service.core.catalog.fused_ranking import FusedRankingParams
from workers.methods import fused_ranking
from workers.methods.fused_ranking import FusedRankingData
from workers.methods.fused_ranking.failures import (
    Failures,
    chances,
    failed_cells,
    failed_runs,
    learned_failures,
    lump_size,
)
from workers.methods.fused_ranking.signals import column_of
from workers.torchkit.protocols import silent

MODELS, DATASETS = 60, 9


def failing_table(seed: int) -> tuple[ndarray, ndarray, ndarray]:
    """Accuracies, which of them failed, and each model's chance to learn."""
    rng = np.random.default_rng(seed)
    ability, chance = rng.normal(size=MODELS), rng.beta(0.6, 0.6, MODELS)
    values = 0.7 + 0.04 * (ability[:, None] + 0.5 * rng.normal(size=(MODELS, DATASETS)))
    failed = rng.random(values.shape) > chance[:, None]
    lump = 0.8 * values.min(axis=0) + 0.003 * np.abs(rng.normal(size=values.shape))
    return np.where(failed, lump, values), failed, chance


@pytest.mark.parametrize("seed", range(4))
def test_failed_cells_are_recognized(seed: int) -> None:
    accuracies, failed, _ = failing_table(seed)

    np.testing.assert_array_equal(failed_cells(accuracies), failed)


@pytest.mark.parametrize("seed", range(20))
def test_ordinary_tables_have_no_failed_cells(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(4, 100)), int(rng.integers(2, 12)))
    ability = rng.normal(size=(shape[0], 1))

    assert not failed_cells(0.7 + 0.04 * (ability + rng.normal(size=shape))).any()


def test_a_lump_is_narrow_and_far_from_the_rest() -> None:
    assert lump_size(np.array([0.1, 0.1, 0.1, 0.6, 0.7, 0.8])) == 3
    assert lump_size(np.array([0.1, 0.1, 0.6, 0.7, 0.8])) == 0
    assert lump_size(np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])) == 0
    assert lump_size(np.full(6, 0.5)) == 0


def learned(seed: int) -> tuple[Failures, ndarray]:
    accuracies, failed, chance = failing_table(seed)
    columns = [column_of(column) for column in np.where(failed, np.nan, accuracies).T]
    return learned_failures(accuracies, failed, columns), chance


def test_chances_follow_the_history() -> None:
    failures, chance = learned(0)
    nothing = np.zeros(MODELS, dtype=np.bool_)

    expected = chances(failures, nothing, nothing).mean

    assert np.corrcoef(expected, chance)[0, 1] > 0.9
    assert expected.mean() == pytest.approx(chance.mean(), abs=0.06)


def test_failures_on_a_dataset_lower_the_chances_of_the_others() -> None:
    failures, _ = learned(0)
    likely = failures.odds > 1

    before = chances(failures, np.zeros(MODELS, dtype=np.bool_), likely).mean
    after = chances(failures, likely, likely).mean

    assert (after < before).all()


def test_runs_are_divided_into_failed_and_others() -> None:
    failures, _ = learned(1)
    scale = {"level": 0.7, "level_deviation": 0.1, "slope": 0.04}
    measured = np.full(MODELS, np.nan)
    measured[:5] = [0.72, 0.481, 0.69, 0.48, 0.75]

    assert failed_runs(failures, measured, **scale)[:5].tolist() == [
        False,
        True,
        False,
        True,
        False,
    ]
    measured[[1, 3]] = [0.68, 0.71]
    assert not failed_runs(failures, measured, **scale).any()


def test_the_first_network_learns_although_a_better_one_mostly_fails() -> None:
    rng = np.random.default_rng(3)
    accuracies = 0.7 + 0.03 * rng.normal(size=(20, 8))
    accuracies[0] += 0.05
    accuracies[1] += 0.15
    fails = np.zeros(accuracies.shape, dtype=np.bool_)
    fails[1, 1:] = True
    fails[12:, ::2] = True
    accuracies = np.where(fails, 0.3, accuracies)
    inputs = FusedRankingData(
        tuple(f"net {at:02}" for at in range(20)),
        np.ones(20, dtype=np.bool_),
        tuple(f"set {at}" for at in range(8)),
        accuracies,
        "own set",
        np.full(20, np.nan),
    )

    result = fused_ranking.run(inputs, FusedRankingParams(samples=2000), silent)

    assert result.estimates[0].model == "net 00"
    measured = replace(inputs, measured=np.where(np.arange(20) == 1, 0.85, np.nan))
    result = fused_ranking.run(measured, FusedRankingParams(samples=2000), silent)
    assert result.estimates[0].model == "net 01"
