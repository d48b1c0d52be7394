"""The answer for one target is whole: every candidate, probabilities that add up, and baselines."""

import numpy as np
import pytest

from service.core.catalogue.fused_ranking import FusedRankingParams
from workers.contract import silent
from workers.methods import fused_ranking
from workers.methods.fused_ranking import Inputs

NAMES = ("ant", "bee", "cow", "dog")
HISTORY = np.array([[0.9, 0.8, 0.7], [0.8, 0.75, 0.6], [0.7, 0.6, np.nan], [0.5, 0.55, 0.3]])
UNKNOWN = np.full(4, np.nan)


def inputs_of(*, measured: np.ndarray = UNKNOWN, unit: float = 1.0) -> Inputs:
    return Inputs(
        NAMES, np.ones(4, bool), ("u", "v", "w"), HISTORY * unit, "target", measured * unit
    )


def test_every_candidate_is_estimated_and_probabilities_sum_to_one() -> None:
    result = fused_ranking.run(inputs_of(), FusedRankingParams(), silent)

    assert {estimate.model for estimate in result.estimates} == set(NAMES)
    assert sum(estimate.p_best for estimate in result.estimates) == pytest.approx(1)
    assert result.best_set_probability >= 0.8
    assert result.baselines[0].models == NAMES


def test_a_measured_run_is_believed() -> None:
    measured = np.array([np.nan, np.nan, np.nan, 0.97])

    result = fused_ranking.run(inputs_of(measured=measured), FusedRankingParams(), silent)

    dog = next(estimate for estimate in result.estimates if estimate.model == "dog")
    assert dog.mean == pytest.approx(0.97, abs=0.005)
    assert dog.measured == 0.97
    assert "dog" not in result.measure_next
