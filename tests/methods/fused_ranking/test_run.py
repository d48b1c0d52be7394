"""The answer for one target is whole, follows what was measured, and does not depend on units or order."""

from dataclasses import replace

import numpy as np
import pytest

from service.core.catalog.fused_ranking import FusedRankingParams
from workers.methods import fused_ranking
from workers.methods.fused_ranking import FusedRankingData, FusedRankingResult
from workers.torchkit.protocols import silent

NAMES = tuple(f"net {letter}" for letter in "abcdefgh")
PARAMS = FusedRankingParams(samples=2000)
RNG = np.random.default_rng(5)
ABILITY = np.linspace(1.2, -1.2, 8)
HISTORY = 0.7 + 0.05 * (ABILITY[:, None] + 0.5 * RNG.normal(size=(8, 6)))
TARGET = 0.7 + 0.05 * (ABILITY + 0.5 * RNG.normal(size=8))
SCORES = RNG.normal(size=(8, 7))


def evidence() -> FusedRankingData:
    return FusedRankingData(
        NAMES,
        np.ones(8, dtype=np.bool_),
        tuple(f"set {at}" for at in range(6)),
        HISTORY,
        "own set",
        np.full(8, np.nan),
        {"LogME": SCORES[:, 0]},
        {"LogME": SCORES[:, 1:]},
        {"parameters_million": np.exp(ABILITY)},
    )


def measured(*indices: int) -> np.ndarray:
    runs = np.full(8, np.nan)
    runs[list(indices)] = TARGET[list(indices)]
    return runs


def answer(inputs: FusedRankingData, params: FusedRankingParams = PARAMS) -> FusedRankingResult:
    return fused_ranking.run(inputs, params, silent)


def means(result: FusedRankingResult) -> dict[str, float]:
    return {estimate.model: estimate.mean for estimate in result.estimates}


def test_the_answer_is_whole() -> None:
    result = answer(evidence())

    assert {estimate.model for estimate in result.estimates} == set(NAMES)
    assert [estimate.mean for estimate in result.estimates] == sorted(
        means(result).values(), reverse=True
    )
    assert sum(estimate.p_best for estimate in result.estimates) == pytest.approx(1)
    assert result.best_set_probability >= 0.8
    assert all(estimate.low < estimate.mean < estimate.high for estimate in result.estimates)
    assert result.expected_regret == result.estimates[0].expected_regret >= 0
    assert len(result.measure_next) == 3
    assert sum(result.evidence.values()) == pytest.approx(1)
    assert {"history", "LogME", "parameters_million"} <= set(result.evidence)
    assert [baseline.name for baseline in result.baselines] == ["static", "parameters_million"]
    assert result.baselines[1].models == NAMES


def test_the_same_evidence_gives_the_same_answer() -> None:
    assert answer(evidence()) == answer(evidence())


def test_a_measured_run_is_believed_and_not_asked_for_again() -> None:
    runs = np.full(8, np.nan)
    runs[7] = 0.97

    result = answer(replace(evidence(), measured=runs))

    estimate = next(estimate for estimate in result.estimates if estimate.model == "net h")
    assert (estimate.mean, estimate.measured) == (0.97, 0.97)
    assert estimate.deviation < 0.005
    assert max(means(result).values()) <= 1
    assert "net h" not in result.measure_next
    assert result.evidence["runs"] > 0


def test_runs_make_the_rest_surer() -> None:
    before, after = answer(evidence()), answer(replace(evidence(), measured=measured(0, 2, 4, 6)))

    wide = {estimate.model: estimate.deviation for estimate in before.estimates}
    narrow = {estimate.model: estimate.deviation for estimate in after.estimates}
    assert all(narrow[name] < wide[name] for name in NAMES)
    assert after.expected_regret < before.expected_regret


def test_points_and_shares_give_the_same_answer() -> None:
    inputs = replace(evidence(), measured=measured(1, 5))

    shares = answer(inputs)
    points = answer(
        replace(inputs, accuracies=100 * inputs.accuracies, measured=100 * inputs.measured)
    )

    assert means(points) == pytest.approx(
        {name: 100 * mean for name, mean in means(shares).items()}
    )
    assert points.best_set == shares.best_set
    assert points.best_set_probability == pytest.approx(shares.best_set_probability)


def test_the_order_of_rows_changes_nothing_but_chance() -> None:
    inputs, turned = replace(evidence(), measured=measured(3)), np.arange(8)[::-1]

    other = FusedRankingData(
        tuple(NAMES[at] for at in turned),
        inputs.candidates,
        inputs.datasets,
        HISTORY[turned],
        "own set",
        inputs.measured[turned],
        {"LogME": SCORES[turned, 0]},
        {"LogME": SCORES[turned, 1:]},
        {"parameters_million": np.exp(ABILITY)[turned]},
    )

    assert means(answer(other)) == pytest.approx(means(answer(inputs)), abs=2e-3)


def test_without_scores_and_traits_the_order_is_nearly_the_static_one() -> None:
    bare = replace(evidence(), scores={}, history_scores={}, traits={})

    result = answer(bare)

    order = [estimate.model for estimate in result.estimates]
    static = result.baselines[0].models
    positions = np.array([order.index(model) for model in static])
    assert np.corrcoef(positions, np.arange(8))[0, 1] > 0.9


@pytest.mark.parametrize("cells", [[], [(0, 0)], [(7, 0)], [(0, 0), (1, 0), (7, 1)]])
@pytest.mark.parametrize("runs", [(), (0,), (7,), (0, 7)])
def test_every_interval_contains_its_mean(cells: list, runs: tuple[int, ...]) -> None:
    table = np.full((8, 2), np.nan)
    for model, dataset in cells:
        table[model, dataset] = HISTORY[model, dataset]
    inputs = replace(
        evidence(),
        datasets=("set 0", "set 1"),
        accuracies=table,
        history_scores={"LogME": SCORES[:, 1:3]},
        measured=measured(*runs),
    )

    result = answer(inputs)

    for estimate in result.estimates:
        assert estimate.low <= estimate.mean <= estimate.high


def test_failed_runs_neither_lead_nor_hide_the_working_networks() -> None:
    table = HISTORY.copy()
    table[[1, 3, 5, 6]] = 0.1 + 0.001 * RNG.random(size=(4, 6))
    runs = np.full(8, np.nan)
    runs[[1, 3, 0]] = [0.1, 0.101, 0.72]

    result = answer(replace(evidence(), accuracies=table, measured=runs))

    order = [estimate.model for estimate in result.estimates]
    assert set(order[:4]) == {"net a", "net c", "net e", "net h"}
    assert set(result.measure_next[:2]) <= {"net c", "net e", "net h"}


def test_unknown_cells_are_not_needed() -> None:
    holed = HISTORY.copy()
    holed[RNG.random(holed.shape) < 0.3] = np.nan
    holed[5] = np.nan

    result = answer(replace(evidence(), accuracies=holed))

    assert all(np.isfinite(estimate.mean) for estimate in result.estimates)
    assert result.baselines[0].values[-1] is None


@pytest.mark.parametrize("count", [0, 1, 2])
def test_little_history_is_enough(count: int) -> None:
    inputs = replace(
        evidence(),
        datasets=evidence().datasets[:count],
        accuracies=HISTORY[:, :count],
        history_scores={},
        measured=measured(0, 3),
    )

    result = answer(inputs)

    assert all(
        np.isfinite(estimate.mean) and 0 <= estimate.p_best <= 1 for estimate in result.estimates
    )


def test_without_any_history_no_estimate_is_beyond_what_an_accuracy_can_be() -> None:
    nothing = replace(evidence(), datasets=(), accuracies=np.empty((8, 0)), history_scores={})

    result = answer(nothing)

    assert all(
        0 <= estimate.low <= estimate.mean <= estimate.high <= 1 for estimate in result.estimates
    )
    assert any(estimate.high == 1 for estimate in result.estimates)


def test_a_score_without_history_counts_a_little() -> None:
    nothing = np.zeros((8, 0))
    inputs = replace(
        evidence(), datasets=(), accuracies=nothing, history_scores={}, traits={}, scores={"kNN": -ABILITY}
    )  # fmt: skip

    result = answer(inputs)

    assert result.estimates[0].model == "net h"


def test_constant_columns_and_ties_are_borne() -> None:
    table = HISTORY.round(1)
    table[:, 0] = 0.5

    result = answer(replace(evidence(), accuracies=table, measured=measured(1)))

    assert all(np.isfinite(estimate.deviation) for estimate in result.estimates)


def test_only_candidates_are_ranked_but_others_teach() -> None:
    some = np.array([False, True] * 4)

    result = answer(replace(evidence(), candidates=some, measured=measured(0)))

    assert {estimate.model for estimate in result.estimates} == set(NAMES[1::2])
    assert set(result.measure_next) <= set(NAMES[1::2])


def test_a_wider_coverage_gives_wider_intervals_and_sets() -> None:
    narrow = answer(evidence(), FusedRankingParams(coverage=0.5))
    wide = answer(evidence(), FusedRankingParams(coverage=0.95))

    assert len(wide.best_set) >= len(narrow.best_set)
    assert wide.estimates[0].high > narrow.estimates[0].high
