"""Summary over all held-out targets of a table."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from workers.methods.fused_ranking.fitting import unit_of
from workers.tools.ranking_bench.measures import MEASURES, Interval, bootstrapped
from workers.tools.ranking_bench.protocol import (
    STATIC,
    BenchSettings,
    Calibration,
    TargetEvaluation,
    fused_name,
)
from workers.tools.ranking_bench.tables import Table

REPLICATES = 2000


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

    ``methods`` and ``gains`` map a method to its measures; a gain is the paired difference of
    the fused ranking to the static list, positive if the fused ranking has the larger value.
    """

    table: Table
    settings: BenchSettings
    methods: dict[str, dict[str, Interval]]
    gains: dict[str, dict[str, Interval]]
    reliability: dict[int, Reliability]
    calibrations: dict[int, tuple[Calibration, ...]]

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
            "seed": self.settings.seed,
            "methods": _plain(self.methods),
            "fused_minus_static": _plain(self.gains),
            "calibration": {
                runs: _reliability_json(reliability)
                for runs, reliability in self.reliability.items()
            },
        }


def summed_up(
    table: Table, evaluations: Sequence[TargetEvaluation], settings: BenchSettings
) -> Summary:
    """Means and intervals over targets for every method, gains, and reliability."""
    names = list(dict.fromkeys(name for evaluation in evaluations for name in evaluation.measures))
    methods = {name: _intervals([evaluation.measures.get(name) for evaluation in evaluations], settings) for name in names}  # fmt: skip
    fused = [fused_name(runs) for runs in settings.runs if fused_name(runs) in names]
    gains = {
        name: _intervals([_gain(evaluation, name) for evaluation in evaluations], settings)
        for name in fused
    }
    calibrations = {
        runs: tuple(
            evaluation.calibration[runs]
            for evaluation in evaluations
            if runs in evaluation.calibration
        )
        for runs in settings.runs
    }
    calibrations = {
        runs: calibrations_of_runs
        for runs, calibrations_of_runs in calibrations.items()
        if calibrations_of_runs
    }
    reliability = {
        runs: reliability_of(calibrations_of_runs)
        for runs, calibrations_of_runs in calibrations.items()
    }
    return Summary(table, settings, methods, gains, reliability, calibrations)


def reliability_of(calibrations: Sequence[Calibration]) -> Reliability:
    """Shares and means over targets, of one table or of many."""
    unmeasured = sum(calibration.open for calibration in calibrations)
    return Reliability(
        len(calibrations),
        float(np.mean([calibration.held for calibration in calibrations])),
        float(np.mean([calibration.probability for calibration in calibrations])),
        float(np.mean([calibration.size for calibration in calibrations])),
        sum(calibration.inside for calibration in calibrations) / unmeasured
        if unmeasured
        else math.nan,
    )


def pooled(summaries: Iterable[Summary]) -> dict[int, Reliability]:
    """Reliability over the targets of all tables."""
    calibrations_by_runs: dict[int, list[Calibration]] = {}
    for summary in summaries:
        for runs, calibrations in summary.calibrations.items():
            calibrations_by_runs.setdefault(runs, []).extend(calibrations)
    return {
        runs: reliability_of(calibrations)
        for runs, calibrations in sorted(calibrations_by_runs.items())
    }


def pooled_json(summaries: Iterable[Summary]) -> dict[int, dict[str, Any]]:
    """Reliability over the targets of all tables, as plain data."""
    return {
        runs: _reliability_json(reliability) for runs, reliability in pooled(summaries).items()
    }


def _gain(evaluation: TargetEvaluation, name: str) -> dict[str, float] | None:
    if name not in evaluation.measures:
        return None
    return {
        key: evaluation.measures[name][key] - evaluation.measures[STATIC][key] for key in MEASURES
    }


def _intervals(
    measures_by_target: Sequence[dict[str, float] | None], settings: BenchSettings
) -> dict[str, Interval]:
    defined = [measures for measures in measures_by_target if measures is not None]
    return {
        key: bootstrapped(
            np.array([measures[key] for measures in defined]),
            replicates=REPLICATES,
            seed=settings.seed,
        )
        for key in MEASURES
    }


def _plain(intervals: dict[str, dict[str, Interval]]) -> dict[str, dict[str, dict[str, Any]]]:
    return {
        name: {key: _rounded(asdict(interval)) for key, interval in measures.items()}
        for name, measures in intervals.items()
    }


def _reliability_json(reliability: Reliability) -> dict[str, Any]:
    numbers = _rounded(asdict(reliability))
    return {**numbers, "inside": None if math.isnan(reliability.inside) else numbers["inside"]}


def _rounded(numbers: dict[str, Any]) -> dict[str, Any]:
    return {
        key: round(value, 6) if isinstance(value, float) else value
        for key, value in numbers.items()
    }
