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
from workers.methods.fused_ranking.run import (
    Posterior,
    next_to_measure,
    posterior_after,
)
from workers.tools.ranking_bench.measures import rank_measures
from workers.tools.ranking_bench.tables import Table

STATIC = "static list"
Values = Float64[ndarray, " model"]


@dataclass(frozen=True)
class BenchSettings:
    """Depth of recall, numbers of measured runs, coverage, and seeds.

    Every random order is repeated with each seed; draws have the first, means need no draws.
    ``most_targets`` limits the targets that are held out, evenly spaced; None means all.
    """

    k: int = 5
    runs: tuple[int, ...] = (0, 5, 10, 20)
    coverage: float = 0.8
    seeds: tuple[int, ...] = (0, 1, 2)
    most_targets: int | None = None


@dataclass(frozen=True)
class Reached:
    """What the statements about one target were worth after some runs.

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
    """One target: measures by method, one entry per seed or a single one; statements by runs."""

    target: str
    measures: dict[str, tuple[dict[str, float], ...]]
    reached: dict[int, Reached]

    def mean(self, name: str) -> dict[str, float] | None:
        """Measures of a method averaged over its seeds; None if it has none."""
        entries = self.measures.get(name)
        if not entries:
            return None
        return {key: float(np.mean([entry[key] for entry in entries])) for key in entries[0]}


def evaluate_targets(table: Table, settings: BenchSettings) -> Iterator[TargetEvaluation]:
    """Evaluations of all targets with at least two known accuracies."""
    count = len(table.targets)
    chosen = np.linspace(0, count - 1, min(count, settings.most_targets or count)).astype(int)
    for target in chosen.tolist():
        if (~np.isnan(table.accuracies[:, target])).sum() > 1:
            yield _evaluate_target(table, target, settings)


def fused_name(runs: int, suffix: str = "") -> str:
    """Name of the fused ranking with this number of runs in the tables."""
    return f"fused, {runs} runs{suffix}"


def first_run_name(runs: int) -> str:
    """Name of the baseline that measures the first models of the static list."""
    return f"{STATIC}, first {runs} run" if runs else STATIC


def _evaluate_target(table: Table, target: int, settings: BenchSettings) -> TargetEvaluation:
    truth = table.accuracies[:, target]
    points = 100.0 / unit_of(table.accuracies)
    guesses, reached = _guesses(table, target, settings)
    measures = {}
    for name, orders in guesses.items():
        entries = [rank_measures(truth, order, k=settings.k, points=points) for order in orders]
        if defined := tuple(entry for entry in entries if entry is not None):
            measures[name] = defined
    return TargetEvaluation(table.targets[target], measures, reached)


def _guesses(
    table: Table, target: int, settings: BenchSettings
) -> tuple[dict[str, list[Values]], dict[int, Reached]]:
    """Orders by method (one per seed if random), and statements by number of runs."""
    truth, inputs = table.accuracies[:, target], inputs_for(table, target)
    static = np.nan_to_num(maths.static_list(maths.standardized(inputs.accuracies)))
    guesses = {STATIC: [static]}
    guesses |= {name: [values] for name, values in table.facts.items()}
    guesses |= {name: [values[:, target]] for name, values in table.scores.items()}
    fit = fitted(inputs, report=lambda *_: None)
    reached = {}
    run_counts = [runs for runs in settings.runs if runs < (~np.isnan(truth)).sum()]
    for runs, measured in _measured_actively(fit, truth, run_counts):
        params = FusedRankingParams(coverage=settings.coverage, seed=settings.seeds[0])
        posterior = posterior_after(fit, measured, params)
        guesses[fused_name(runs)] = [posterior.prediction.mean]
        reached[runs] = _reached(posterior, truth, unmeasured=np.isnan(measured))
    for runs in [runs for runs in run_counts if runs]:
        guesses[fused_name(runs, ", by chance")] = _measured_at_random(fit, truth, runs, settings)
        guesses[first_run_name(runs)] = [_first_run(static, truth, runs)]
    return guesses, reached


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


def _measured_actively(
    fit: Fitted, truth: Values, run_counts: list[int]
) -> Iterator[tuple[int, Values]]:
    """Measured accuracies by number of runs, each run at the model most worth it."""
    measured = np.full(len(truth), np.nan)
    for runs in range(max(run_counts, default=-1) + 1):
        if runs in run_counts:
            yield runs, measured.copy()
        prediction = fit.predictor.prediction(measured)
        chosen = next_to_measure(prediction, measured, ~np.isnan(truth), count=1)
        measured[chosen] = truth[chosen]


def _measured_at_random(
    fit: Fitted, truth: Values, runs: int, settings: BenchSettings
) -> list[Values]:
    """Posterior means after runs of random models, one order for each seed."""
    means = []
    for seed in settings.seeds:
        rng = np.random.default_rng([seed, runs])
        chosen = rng.permutation(np.flatnonzero(~np.isnan(truth)))[:runs]
        measured = np.full(len(truth), np.nan)
        measured[chosen] = truth[chosen]
        means.append(fit.predictor.prediction(measured).mean)
    return means


def _first_run(static: Values, truth: Values, runs: int) -> Values:
    """The static list, with its first models measured and sorted by their accuracy."""
    with_truth = np.flatnonzero(~np.isnan(truth))
    first = with_truth[np.argsort(-static[with_truth], kind="stable")[:runs]]
    order = static.copy()
    lift = static[with_truth].max() + 1
    spread = max(float(np.ptp(truth[first])), 1e-12)
    order[first] = lift + (truth[first] - truth[first].min()) / spread
    return order


def _reached(
    posterior: Posterior, truth: Values, *, unmeasured: Bool[ndarray, " model"]
) -> Reached:
    with_truth = np.flatnonzero(~np.isnan(truth))
    own, known_truth = posterior.of(with_truth), truth[with_truth]
    p_best = maths.best_shares(own.draws)
    best_set = maths.smallest_set(p_best, coverage=own.level)
    is_unmeasured = unmeasured[with_truth]
    inside = (known_truth >= own.low) & (known_truth <= own.high)
    return Reached(
        bool((known_truth[best_set] == known_truth.max()).any()),
        len(best_set),
        float(p_best[best_set].sum()),
        int(inside[is_unmeasured].sum()),
        int(is_unmeasured.sum()),
    )
