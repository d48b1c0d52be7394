"""What all held-out targets of a table say together."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from workers.methods.fused_ranking.fitting import unit_of
from workers.ranking_bench.measures import MEASURES, Interval, bootstrapped
from workers.ranking_bench.protocol import STATIC, Calibration, Judged, Settings, fused_name
from workers.ranking_bench.tables import Table

REPLICATES = 2000


@dataclass(frozen=True)
class Reliability:
    """How often what was stated came true.

    Attributes:
        targets: Targets judged.
        held: Share of targets whose winner was in the set.
        stated: Mean probability that the sets claimed.
        size: Mean number of models in the set.
        inside: Share of unmeasured accuracies within their intervals; NaN if there were none.
    """

    targets: int
    held: float
    stated: float
    size: float
    inside: float


@dataclass(frozen=True)
class Summary:
    """One table, summed up.

    ``methods`` and ``gains`` map a method to its measures; a gain is the paired difference of
    the fused ranking to the static list, positive when the fused ranking has more.
    """

    table: Table
    settings: Settings
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
            "calibration": {runs: _told(one) for runs, one in self.reliability.items()},
        }


def summed_up(table: Table, judged: Sequence[Judged], settings: Settings) -> Summary:
    """Means and intervals over targets for every method, gains, and reliability."""
    names = list(dict.fromkeys(name for one in judged for name in one.measures))
    methods = {name: _intervals([one.measures.get(name) for one in judged], settings) for name in names}  # fmt: skip
    fused = [fused_name(runs) for runs in settings.runs if fused_name(runs) in names]
    gains = {name: _intervals([_gain(one, name) for one in judged], settings) for name in fused}
    calibrations = {
        runs: tuple(one.calibration[runs] for one in judged if runs in one.calibration)
        for runs in settings.runs
    }
    calibrations = {runs: found for runs, found in calibrations.items() if found}
    reliability = {runs: reliability_of(found) for runs, found in calibrations.items()}
    return Summary(table, settings, methods, gains, reliability, calibrations)


def reliability_of(calibrations: Sequence[Calibration]) -> Reliability:
    """Shares and means over targets, of one table or of many."""
    opened = sum(one.open for one in calibrations)
    return Reliability(
        len(calibrations),
        float(np.mean([one.held for one in calibrations])),
        float(np.mean([one.probability for one in calibrations])),
        float(np.mean([one.size for one in calibrations])),
        sum(one.inside for one in calibrations) / opened if opened else math.nan,
    )


def pooled(summaries: Iterable[Summary]) -> dict[int, Reliability]:
    """Reliability over the targets of all tables."""
    found: dict[int, list[Calibration]] = {}
    for summary in summaries:
        for runs, calibrations in summary.calibrations.items():
            found.setdefault(runs, []).extend(calibrations)
    return {runs: reliability_of(calibrations) for runs, calibrations in sorted(found.items())}


def pooled_json(summaries: Iterable[Summary]) -> dict[int, dict[str, Any]]:
    """The same as plain data."""
    return {runs: _told(one) for runs, one in pooled(summaries).items()}


def _gain(one: Judged, name: str) -> dict[str, float] | None:
    if name not in one.measures:
        return None
    return {key: one.measures[name][key] - one.measures[STATIC][key] for key in MEASURES}


def _intervals(
    found: Sequence[dict[str, float] | None], settings: Settings
) -> dict[str, Interval]:
    whole = [one for one in found if one is not None]
    return {
        key: bootstrapped(
            np.array([one[key] for one in whole]), replicates=REPLICATES, seed=settings.seed
        )
        for key in MEASURES
    }


def _plain(intervals: dict[str, dict[str, Interval]]) -> dict[str, dict[str, dict[str, Any]]]:
    return {
        name: {key: _rounded(asdict(one)) for key, one in measures.items()}
        for name, measures in intervals.items()
    }


def _told(one: Reliability) -> dict[str, Any]:
    told = _rounded(asdict(one))
    return {**told, "inside": None if math.isnan(one.inside) else told["inside"]}


def _rounded(numbers: dict[str, Any]) -> dict[str, Any]:
    return {key: round(one, 6) if isinstance(one, float) else one for key, one in numbers.items()}
