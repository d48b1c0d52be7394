"""How well every candidate foresees the transfers of every zoo, as plain data kept zoo by zoo."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.many_zoos import candidates
from benchmarks.many_zoos.candidates import Square
from benchmarks.many_zoos.zoo_data import KINDS, StoredZoo
from benchmarks.taskonomy.judging import Judged, interval, static_list

PROBES = 256
COUNTS = (16, 32, 64, 128, 256, 500, 1000)
KIND_PROBES = 256
DRAWS = 2
PLUS, DDS = candidates.PLUS, "dds"
STATIC = "static list"
Facts = dict[str, Any]
Zoos = Mapping[str, Facts]


def of_zoo(zoo: StoredZoo, folder: Path) -> Facts:
    """Figures of a zoo, from the folder or computed now; each part is kept when it is done."""
    facts: Facts = {}
    for part, compute in _PARTS.items():
        path = folder / f"{zoo.name}.{part}.json"
        if not path.exists():
            path.write_text(json.dumps(compute(zoo)))
        facts |= json.loads(path.read_text())
    return facts


def _judged(zoo: StoredZoo) -> Facts:
    features, maps, halfway = zoo.features(), zoo.maps(), zoo.features(half=True)
    table = candidates.every(features[:, :PROBES], maps[:, :PROBES], halfway[:, :PROBES])
    figures = {name: _figures(zoo.judge(square)) for name, square in table.items()}
    figures[STATIC] = _figures(zoo.judge_rows(static_list(zoo.wins, zoo.itself)))
    return {
        "name": zoo.name,
        "targets": zoo.tasks,
        "probes": features.shape[1],
        "between_draws": float(np.mean([row.between_seeds[0] for row in zoo.truth])),
        "figures": figures,
    }


def _figures(judged: Judged) -> Facts:
    return {"spearman": judged.spearman.tolist(), "regret": judged.regret.tolist()}


def _means(zoo: StoredZoo, table: Mapping[str, Square]) -> dict[str, float]:
    return {name: float(zoo.judge(square).spearman.mean()) for name, square in table.items()}


def _by_count(zoo: StoredZoo) -> dict[str, dict[str, float]]:
    """Mean Spearman by number of the zoo's own probes, over two draws of fewer than all."""
    features, maps = zoo.features(), zoo.maps()
    rng = np.random.default_rng(0)
    available = features.shape[1]
    rows = {}
    for count in (n for n in COUNTS if n <= available):
        draws = [
            np.sort(rng.permutation(available)[:count])
            for _ in range(1 if count == available else DRAWS)
        ]
        means = [
            _means(zoo, candidates.in_use(features[:, draw], maps[:, draw])) for draw in draws
        ]
        rows[str(count)] = {name: float(np.mean([m[name] for m in means])) for name in means[0]}
    return rows


def _by_kind(zoo: StoredZoo) -> dict[str, dict[str, float]]:
    """Mean Spearman by kind of probes; as many of each, every second one of the mixed."""
    rows = {}
    for kind in KINDS:
        features, maps = zoo.features(kind), zoo.maps(kind)
        spread = np.linspace(0, features.shape[1] - 1, KIND_PROBES).round().astype(int)
        rows[kind] = _means(zoo, candidates.in_use(features[:, spread], maps[:, spread]))
    return rows


_PARTS: Mapping[str, Callable[[StoredZoo], Facts]] = {
    "figures": _judged,
    "kinds": lambda zoo: {"kinds": _by_kind(zoo)},
    "counts": lambda zoo: {"counts": _by_count(zoo)},
}


def spearman(facts: Facts, name: str) -> np.ndarray:
    """By target."""
    return np.array(facts["figures"][name]["spearman"])


def pooled(zoos: Sequence[Facts], name: str, key: str = "spearman") -> float:
    """Mean over zoos, each with the same weight."""
    return float(np.mean([np.mean(zoo["figures"][name][key]) for zoo in zoos]))


def difference(zoos: Sequence[Facts], name: str, other: str) -> tuple[float, tuple[float, float]]:
    """Mean difference over zoos of the same weight, with 95 % over targets redrawn within zoos."""
    gains = [spearman(zoo, name) - spearman(zoo, other) for zoo in zoos]
    rng = np.random.default_rng(0)
    draws = [
        np.mean([gain[rng.integers(len(gain), size=len(gain))].mean() for gain in gains])
        for _ in range(2000)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(np.mean([gain.mean() for gain in gains])), (float(low), float(high))


def chosen(zoos: Sequence[Facts]) -> str:
    """The candidate with the highest pooled Spearman; an order that sees no measure is none."""
    names = [name for name in zoos[0]["figures"] if name != STATIC]
    return max(names, key=lambda name: pooled(zoos, name))


__all__ = [
    "DDS",
    "PLUS",
    "STATIC",
    "chosen",
    "difference",
    "interval",
    "of_zoo",
    "pooled",
    "spearman",
]
