"""Summary over all held-out targets of a table."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from workers.methods.fused_ranking.fitting import unit_of
from workers.tools.ranking_bench.measures import MEASURES, Interval, bootstrapped
from workers.tools.ranking_bench.protocol import (
    STATIC,
    BenchSettings,
    Reached,
    TargetEvaluation,
    first_run_name,
    fused_name,
)
from workers.tools.ranking_bench.tables import Table

REPLICATES = 2000
Measures = dict[str, Interval]
Measured = Callable[[TargetEvaluation], dict[str, float] | None]


@dataclass(frozen=True)
class Reliability:
    """Predicted and observed reliability.

    Attributes:
        targets: Number of evaluated targets.
        held: Share of targets whose winner is in the set.
        stated: Mean predicted probability of the sets.
        size: Mean number of models in the set.
        inside: Share of unmeasured accuracies within their intervals; NaN if there are none.
    """

    targets: int
    held: float
    stated: float
    size: float
    inside: float


@dataclass(frozen=True)
class Summary:
    """The summary of one table.

    Attributes:
        methods: Measures by method.
        spreads: Standard deviation over seeds of a method's mean weighted tau.
        gains: Paired differences of a fused ranking to each baseline, by both names; positive if
            the fused ranking has the larger value.
    """

    table: Table
    settings: BenchSettings
    evaluations: tuple[TargetEvaluation, ...]
    methods: dict[str, Measures]
    spreads: dict[str, float]
    gains: dict[str, dict[str, Measures]]
    reliability: dict[int, Reliability]

    def as_json(self) -> dict[str, Any]:
        """All numbers as plain data."""
        return {
            "table": self.table.name,
            "models": len(self.table.models),
            "targets": len(self.table.targets),
            "unknown_cells": int(np.isnan(self.table.accuracies).sum()),
            "unit": "share" if unit_of(self.table.accuracies) == 1 else "points",
            "k": self.settings.k,
            "coverage": self.settings.coverage,
            "seeds": list(self.settings.seeds),
            "methods": {name: plain(measures) for name, measures in self.methods.items()},
            "spread_over_seeds": rounded(self.spreads),
            "gains": {
                name: {baseline: plain(measures) for baseline, measures in by_baseline.items()}
                for name, by_baseline in self.gains.items()
            },
            "calibration": reliability_json(self.reliability),
        }


def summed_up(
    table: Table, evaluations: Sequence[TargetEvaluation], settings: BenchSettings
) -> Summary:
    """Means and intervals over targets for every method, gains, and reliability."""
    names = list(dict.fromkeys(name for evaluation in evaluations for name in evaluation.measures))
    methods = {name: _intervals([e.mean(name) for e in evaluations], settings) for name in names}
    spreads = {name: _spread([e.measures.get(name, ()) for e in evaluations]) for name in names}
    gains = {
        fused_name(runs): {
            baseline: paired(evaluations, runs, _measured_by(baseline), settings)
            for baseline in dict.fromkeys([STATIC, first_run_name(runs)])
        }
        for runs in settings.runs
        if fused_name(runs) in names
    }
    return Summary(
        table,
        settings,
        tuple(evaluations),
        methods,
        spreads,
        gains,
        reliability_by_runs(evaluations),
    )


def paired(
    evaluations: Iterable[TargetEvaluation],
    runs: int,
    baseline: Measured,
    settings: BenchSettings,
) -> Measures:
    """Differences of the fused ranking to a baseline, target by target, with intervals."""
    gains = []
    for evaluation in evaluations:
        own, other = evaluation.mean(fused_name(runs)), baseline(evaluation)
        if own is not None and other is not None:
            gains.append({key: own[key] - other[key] for key in MEASURES})
    return _intervals(gains, settings)


def pooled_gains(summaries: Sequence[Summary]) -> dict[str, dict[str, Measures]]:
    """Paired differences over the targets of all tables, by fused ranking and baseline."""
    evaluations = [evaluation for summary in summaries for evaluation in summary.evaluations]
    settings = summaries[0].settings
    return {
        fused_name(runs): {
            baseline: paired(evaluations, runs, _measured_by(baseline), settings)
            for baseline in dict.fromkeys([STATIC, first_run_name(runs)])
        }
        for runs in settings.runs
        if any(fused_name(runs) in evaluation.measures for evaluation in evaluations)
    }


def pooled(summaries: Iterable[Summary]) -> dict[int, Reliability]:
    """Reliability over the targets of all tables."""
    return reliability_by_runs(
        [evaluation for summary in summaries for evaluation in summary.evaluations]
    )


def reliability_by_runs(evaluations: Iterable[TargetEvaluation]) -> dict[int, Reliability]:
    """Reliability by number of runs, over all targets."""
    by_runs: dict[int, list[Reached]] = {}
    for evaluation in evaluations:
        for runs, reached in evaluation.reached.items():
            by_runs.setdefault(runs, []).append(reached)
    return {runs: reliability_of(reached) for runs, reached in sorted(by_runs.items())}


def reliability_json(by_runs: dict[int, Reliability]) -> dict[int, dict[str, Any]]:
    """Reliability as plain data; null where no model was unmeasured."""
    return {
        runs: {
            **rounded(asdict(reliability)),
            "inside": None if math.isnan(reliability.inside) else round(reliability.inside, 6),
        }
        for runs, reliability in by_runs.items()
    }


def plain(measures: Measures) -> dict[str, dict[str, Any]]:
    """Intervals by measure as plain data."""
    return {key: rounded(asdict(interval)) for key, interval in measures.items()}


def rounded(numbers: dict[str, Any]) -> dict[str, Any]:
    """The numbers with six digits."""
    return {
        key: round(value, 6) if isinstance(value, float) else value
        for key, value in numbers.items()
    }


def _measured_by(name: str) -> Measured:
    return lambda evaluation: evaluation.mean(name)


def reliability_of(reached: Sequence[Reached]) -> Reliability:
    """Shares and means over targets."""
    unmeasured = sum(part.open for part in reached)
    return Reliability(
        len(reached),
        float(np.mean([part.held for part in reached])),
        float(np.mean([part.probability for part in reached])),
        float(np.mean([part.size for part in reached])),
        sum(part.inside for part in reached) / unmeasured if unmeasured else math.nan,
    )


def _spread(entries_by_target: Sequence[tuple[dict[str, float], ...]]) -> float:
    """Deviation over seeds of the mean weighted tau over targets; 0 for one seed."""
    entries_by_target = [entries for entries in entries_by_target if entries]
    seeds = min(len(entries) for entries in entries_by_target)
    means = [
        np.mean([entries[seed][MEASURES[0]] for entries in entries_by_target])
        for seed in range(seeds)
    ]
    return float(np.std(means, ddof=1)) if seeds > 1 else 0.0


def _intervals(
    measures_by_target: Sequence[dict[str, float] | None], settings: BenchSettings
) -> Measures:
    defined = [measures for measures in measures_by_target if measures is not None]
    return {
        key: bootstrapped(
            np.array([measures[key] for measures in defined]),
            replicates=REPLICATES,
            seed=settings.seeds[0],
        )
        for key in MEASURES
    }
