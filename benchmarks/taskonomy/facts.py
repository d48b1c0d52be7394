"""What a zoo showed, as plain data for the page."""

from typing import Any

import numpy as np

from benchmarks.taskonomy import judging
from benchmarks.taskonomy.experiment import Zoo
from benchmarks.taskonomy.judging import EDGE_WEIGHTS, FIGURES, Judged, Scores, weighted

HALVINGS = 200
Facts = dict[str, Any]


def facts_of(zoo: Zoo, tables: dict[str, Scores], node: Scores, edge: Scores) -> Facts:
    """Truth, every measure's figures, the sweep of λ and its choice on other targets."""
    sweep = {_name(one): zoo.judged(weighted(node, edge, one)) for one in EDGE_WEIGHTS}
    found = {name: zoo.judged(table) for name, table in tables.items()}
    everyone = np.arange(len(zoo.benches))
    return {
        "sources": [one.name for one in zoo.sources],
        "targets": [one.name for one in zoo.tasks],
        "about": {one.name: one.about for one in zoo.tasks},
        "itself": zoo.itself.tolist(),
        "labelled": zoo.labelled.tolist(),
        **_truth(zoo),
        "scores": {name: table.round(4).tolist() for name, table in tables.items()},
        "figures": {name: _told(one, everyone) for name, one in found.items()},
        "labelled_figures": {name: one.of(zoo.labelled) for name, one in found.items()},
        "by_target": {name: one.spearman.round(3).tolist() for name, one in found.items()},
        "sweep": {name: one.of(everyone) for name, one in sweep.items()},
        "halved": _halved(sweep, found, len(everyone)),
        "chance": _chance(zoo),
        "seconds": zoo.seconds,
    }


def _name(edge_weight: float) -> str:
    return "∞" if np.isinf(edge_weight) else f"{edge_weight:g}"


def _truth(zoo: Zoo) -> Facts:
    truth = zoo.truth
    return {
        "affinity": truth.affinity.round(4).tolist(),
        "low": truth.low.round(4).tolist(),
        "high": truth.high.round(4).tolist(),
        "wins": truth.wins.round(4).tolist(),
        "losses": zoo.losses.mean(axis=(2, 3)).round(4).tolist(),
        "between_seeds": truth.between_seeds.round(3).tolist(),
        "top_kept": truth.top_kept,
    }


def _told(one: Judged, targets: np.ndarray) -> Facts:
    """Means, and 95 % intervals over targets."""
    intervals = {name: judging.interval(getattr(one, name)) for name in FIGURES}
    return {"mean": one.of(targets), "interval": intervals}


def _halved(sweep: dict[str, Judged], found: dict[str, Judged], targets: int) -> Facts:
    """λ chosen on half of the targets; and the others on the very same halves."""
    chosen = judging.halved(sweep, targets=targets, halvings=HALVINGS)
    rows: Facts = {
        "DEPARA, λ chosen": {"mean": chosen.mean, "deviation": chosen.deviation},
        "chosen": chosen.chosen,
    }
    for name, one in found.items():
        if not np.isnan(one.spearman).any():
            alone = judging.halved({name: one}, targets=targets, halvings=HALVINGS)
            rows[name] = {"mean": alone.mean, "deviation": alone.deviation}
    return rows


def _chance(zoo: Zoo) -> dict[str, float]:
    """Means of random scores over 500 draws."""
    rng = np.random.default_rng(0)
    shape = zoo.truth.wins.shape
    draws = [zoo.judged(rng.random(shape)).of(np.arange(shape[0])) for _ in range(500)]
    return {name: float(np.mean([one[name] for one in draws])) for name in FIGURES}
