"""The evaluation protocol: every target is held out once and ranked by every method."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray

from service.core.catalog.fused_ranking import FusedRankingParams
from workers.methods.fused_ranking import maths
from workers.methods.fused_ranking.evidence import FusedRankingData
from workers.methods.fused_ranking.fitting import Fitted, fitted, unit_of
from workers.methods.fused_ranking.posterior import Posterior
from workers.methods.fused_ranking.run import after_runs, next_to_measure, tempered
from workers.tools.ranking_bench.measures import rank_measures
from workers.tools.ranking_bench.tables import Table

STATIC = "static list"
DRAWS_PER_STEP = 1000
RANDOM_ORDERS = 3


@dataclass(frozen=True)
class BenchSettings:
    """Depth of recall, numbers of measured runs, coverage and seed."""

    k: int = 5
    runs: tuple[int, ...] = (0, 5, 10, 20)
    coverage: float = 0.8
    seed: int = 0


@dataclass(frozen=True)
class Calibration:
    """Calibration of one target after some runs.

    ``held``: whether the set of ``size`` models, of total ``probability``, contains the winner.
    ``inside`` of ``open`` unmeasured accuracies lie in their intervals.
    """

    held: bool
    size: int
    probability: float
    inside: int
    open: int


@dataclass(frozen=True)
class TargetEvaluation:
    """One target: measures by method, and calibration by number of runs."""

    target: str
    measures: dict[str, dict[str, float]]
    calibration: dict[int, Calibration]


def evaluate_targets(table: Table, settings: BenchSettings) -> Iterator[TargetEvaluation]:
    """Evaluations of all targets with at least two known accuracies."""
    for target in range(len(table.targets)):
        if (~np.isnan(table.accuracies[:, target])).sum() > 1:
            yield _evaluate_target(table, target, settings)


def fused_name(runs: int, suffix: str = "") -> str:
    """Name of the fused ranking with this number of runs in the tables."""
    return f"fused, {runs} runs{suffix}"


def _evaluate_target(table: Table, target: int, settings: BenchSettings) -> TargetEvaluation:
    truth = table.accuracies[:, target]
    points = 100.0 / unit_of(table.accuracies)
    guesses, calibration = _guesses(table, target, settings)
    measures: dict[str, dict[str, float]] = {}
    for name, orders in guesses.items():
        measures_of_orders = [
            rank_measures(truth, order, k=settings.k, points=points) for order in orders
        ]
        defined = [
            measures_of_order
            for measures_of_order in measures_of_orders
            if measures_of_order is not None
        ]
        if defined:
            measures[name] = {
                key: float(np.mean([measures_of_order[key] for measures_of_order in defined]))
                for key in defined[0]
            }
    return TargetEvaluation(table.targets[target], measures, calibration)


def _guesses(
    table: Table, target: int, settings: BenchSettings
) -> tuple[dict[str, list[Float64[ndarray, " model"]]], dict[int, Calibration]]:
    """Orders by method (several if random), and calibration by number of runs."""
    truth, inputs = table.accuracies[:, target], inputs_for(table, target)
    static = np.nan_to_num(maths.static_list(maths.standardized(inputs.accuracies)))
    guesses = {STATIC: [static]}
    guesses |= {name: [values] for name, values in table.facts.items()}
    guesses |= {name: [values[:, target]] for name, values in table.scores.items()}
    fit = fitted(inputs, seed=settings.seed, report=lambda *_: None)
    calibration = {}
    is_known = ~np.isnan(truth)
    run_counts = [runs for runs in settings.runs if runs < is_known.sum()]
    for runs, measured in _measured_actively(fit, truth, run_counts, settings):
        posterior = after_runs(fit, measured, _params(settings))
        guesses[fused_name(runs)] = [posterior.mean]
        calibration[runs] = _calibration(
            posterior,
            fit.temper,
            truth,
            unmeasured=np.isnan(measured),
            coverage=settings.coverage,
        )
    for runs in [runs for runs in run_counts if runs]:
        guesses[fused_name(runs, ", by chance")] = _measured_at_random(fit, truth, runs, settings)
        guesses[f"{STATIC}, first {runs} run"] = [_first_run(static, truth, runs)]
    return guesses, calibration


def inputs_for(table: Table, target: int) -> FusedRankingData:
    """All evidence except the target's own accuracies."""
    others = [column for column in range(len(table.targets)) if column != target]
    return FusedRankingData(
        table.models,
        np.ones(len(table.models), dtype=np.bool_),
        tuple(table.targets[column] for column in others),
        table.accuracies[:, others],
        table.targets[target],
        np.full(len(table.models), np.nan),
        {
            name: values[:, target]
            for name, values in table.scores.items()
            if not np.isnan(values[:, target]).all()
        },
        {name: values[:, others] for name, values in table.scores.items()},
        table.facts,
    )


def _params(settings: BenchSettings) -> FusedRankingParams:
    return FusedRankingParams(coverage=settings.coverage, seed=settings.seed)


def _measured_actively(
    fit: Fitted, truth: Float64[ndarray, " model"], run_counts: list[int], settings: BenchSettings
) -> Iterator[tuple[int, Float64[ndarray, " model"]]]:
    """Measured accuracies by number of runs, each run at the most promising model."""
    measured = np.full(len(truth), np.nan)
    params = FusedRankingParams(samples=DRAWS_PER_STEP, seed=settings.seed)
    for runs in range(max(run_counts, default=-1) + 1):
        if runs in run_counts:
            yield runs, measured.copy()
        posterior = after_runs(fit, measured, params)
        chosen = next_to_measure(posterior, ~np.isnan(truth) & np.isnan(measured), count=1)
        measured[chosen] = truth[chosen]


def _measured_at_random(
    fit: Fitted, truth: Float64[ndarray, " model"], runs: int, settings: BenchSettings
) -> list[Float64[ndarray, " model"]]:
    """Posterior means after runs of random models, for several draws."""
    means = []
    for repetition in range(RANDOM_ORDERS):
        rng = np.random.default_rng([settings.seed, repetition])
        chosen = rng.permutation(np.flatnonzero(~np.isnan(truth)))[:runs]
        measured = np.full(len(truth), np.nan)
        measured[chosen] = truth[chosen]
        params = FusedRankingParams(samples=100, seed=settings.seed)
        means.append(after_runs(fit, measured, params).mean)
    return means


def _first_run(
    static: Float64[ndarray, " model"], truth: Float64[ndarray, " model"], runs: int
) -> Float64[ndarray, " model"]:
    """The static list, with its first models measured and sorted by their accuracy."""
    with_truth = np.flatnonzero(~np.isnan(truth))
    first = with_truth[np.argsort(-static[with_truth], kind="stable")[:runs]]
    order = static.copy()
    lift = static[with_truth].max() + 1
    spread = max(float(np.ptp(truth[first])), 1e-12)
    order[first] = lift + (truth[first] - truth[first].min()) / spread
    return order


def _calibration(
    posterior: Posterior,
    temper: float,
    truth: Float64[ndarray, " model"],
    *,
    unmeasured: Bool[ndarray, " model"],
    coverage: float,
) -> Calibration:
    with_truth = np.flatnonzero(~np.isnan(truth))
    draws = posterior.draws[:, with_truth]
    p_best = maths.best_shares(tempered(posterior, temper)[:, with_truth])
    best_set = maths.smallest_set(p_best, coverage=coverage)
    tail = 50 * (1 - coverage)
    low, high = np.percentile(draws, [tail, 100 - tail], axis=0)
    is_unmeasured = unmeasured[with_truth]
    inside = (truth[with_truth] >= low) & (truth[with_truth] <= high)
    return Calibration(
        bool((truth[with_truth][best_set] == truth[with_truth].max()).any()),
        len(best_set),
        float(p_best[best_set].sum()),
        int(inside[is_unmeasured].sum()),
        int(is_unmeasured.sum()),
    )
