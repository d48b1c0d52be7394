"""Which settings of DEPARA do best on half of the pairs, and what they do on the other half."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from benchmarks.layer_protocol import judging
from benchmarks.layer_protocol.judging import Row, Way

EDGE_WEIGHTS = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, math.inf)
DEFAULTS, CENTERED = "defaults", "centered features"
PRESET = "preset"
_TRIED: tuple[float | str, ...] = (PRESET, *EDGE_WEIGHTS)


@dataclass(frozen=True)
class Tuned:
    """A way of choosing: its mean Spearman on the tuning half, its figures on the other."""

    name: str
    on_tuning: float
    on_judged: Mapping[str, Any]


def tuned(rows: Sequence[Row]) -> list[Tuned]:
    """The best settings on the tuning half, and all settings at the presets, and simple rules."""
    mine, others = judging.halves(rows)
    settings = (DEFAULTS, CENTERED, *rows[0]["variants"])
    candidates = {
        f"tuned: {setting}, λ = {weight_text(weight)}": varied(setting, weight)
        for setting, weight in product(settings, _TRIED)
    }
    best = max(candidates, key=lambda name: mean_correlation(mine, candidates[name]))
    shown: dict[str, Way] = {
        best: candidates[best],
        **{f"{setting}, λ = {PRESET}": varied(setting, PRESET) for setting in settings},
        "linear CKA with the target's last feature": judging.agreement("CKA · features"),
        "deepest": judging.deepest,
        "middle": judging.middle,
    }
    return [
        Tuned(name, mean_correlation(mine, way), judging.judged(others, way))
        for name, way in shown.items()
    ]


def varied(setting: str, edge_weight: float | str) -> Way:
    """DEPARA's score under one setting; ``PRESET`` takes λ by the share of labeled data."""

    def way(row: Row) -> Sequence[float]:
        weight = judging.PRESETS[row["share"]] if edge_weight == PRESET else float(edge_weight)
        return judging.combined(*parts(row, setting), weight)

    return way


def parts(row: Row, setting: str) -> tuple[Sequence[float], Sequence[float]]:
    """Nodes and edges of a row under one setting; centering changes edges alone."""
    if setting == DEFAULTS:
        return row["nodes"], row["edges"]
    if setting == CENTERED:
        return row["nodes"], row["agreements"]["edges, centered · logits"]
    variant = row["variants"][setting]
    return variant["nodes"], variant["edges"]


def weight_text(edge_weight: float | str) -> str:
    """λ as text."""
    if isinstance(edge_weight, str):
        return edge_weight
    return "∞" if math.isinf(edge_weight) else f"{edge_weight:g}"


def mean_correlation(rows: Sequence[Row], way: Way) -> float:
    """Over all rows."""
    return float(np.mean([judging.correlation(way(row) or [], row["accuracies"]) for row in rows]))
