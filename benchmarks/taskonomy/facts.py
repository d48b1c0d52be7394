"""What a zoo showed, as plain data for the page."""

from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks.taskonomy import judging
from benchmarks.taskonomy.experiment import Scored, TaskonomyZoo
from benchmarks.taskonomy.judging import EDGE_WEIGHTS, FIGURES, Halved, Judged, weighted

HALVINGS = 200
Facts = dict[str, Any]


def facts_of(zoo: TaskonomyZoo, scored: Scored) -> Facts:
    """Truth, every measure's figures, the sweep of λ and powers, and choices on other targets."""
    sweep = {
        power: {
            _name(weight): zoo.judged(weighted(scored.node, edge, weight))
            for weight in EDGE_WEIGHTS
        }
        for power, edge in scored.edges.items()
    }
    tables = scored.tables
    by_measure = {name: zoo.judged(table) for name, table in tables.items()}
    everyone = np.arange(len(zoo.benches))
    return {
        "name": zoo.name,
        "seeds": zoo.losses.shape[2],
        "sources": [source.name for source in zoo.sources],
        "targets": [task.name for task in zoo.tasks],
        "about": {task.name: task.about for task in zoo.tasks},
        "itself": zoo.itself.tolist(),
        "labelled": zoo.labeled.tolist(),
        **_truth(zoo),
        "scores": {name: _plain(table) for name, table in tables.items()},
        "figures": {name: _summary(judged, everyone) for name, judged in by_measure.items()},
        "labelled_figures": {name: judged.of(zoo.labeled) for name, judged in by_measure.items()},
        "by_target": {name: _plain(judged.spearman) for name, judged in by_measure.items()},
        "sweep": {
            f"{power:g}": {name: judged.of(everyone) for name, judged in row.items()}
            for power, row in sweep.items()
        },
        "halved": _halved(sweep, by_measure, len(everyone)),
        "chance": _chance(zoo),
        "seconds": zoo.seconds,
    }


def _name(edge_weight: float) -> str:
    return "∞" if np.isinf(edge_weight) else f"{edge_weight:g}"


def _truth(zoo: TaskonomyZoo) -> Facts:
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


def _plain(table: np.ndarray) -> Any:
    """Nested lists, None where a measure does not apply."""
    rounded = table.round(4).astype(object)
    rounded[np.isnan(table)] = None
    return rounded.tolist()


def _summary(judged: Judged, targets: np.ndarray) -> Facts:
    """Means, and 95 % intervals over targets."""
    intervals = {name: judging.interval(getattr(judged, name)) for name in FIGURES}
    return {"mean": judged.of(targets), "interval": intervals}


def _halved(
    sweep: dict[float, dict[str, Judged]], by_measure: dict[str, Judged], targets: int
) -> Facts:
    """λ, then λ and power, chosen on half of the targets; and the others on the very same halves."""
    all_powers = {
        f"power {power:g}, λ = {name}": judged
        for power, row in sweep.items()
        for name, judged in row.items()
    }
    rows: Facts = {
        "DEPARA, λ chosen": asdict(_over_halves(sweep[1.0], targets)),
        "DEPARA, power and λ chosen": asdict(_over_halves(all_powers, targets)),
    }
    for name, judged in by_measure.items():
        if not np.isnan(judged.spearman).any():
            rows[name] = asdict(_over_halves({name: judged}, targets))
    return rows


def _over_halves(choices: dict[str, Judged], targets: int) -> Halved:
    return judging.halved(choices, targets=targets, halvings=HALVINGS)


def _chance(zoo: TaskonomyZoo) -> dict[str, float]:
    """Means of random scores over 500 draws."""
    rng = np.random.default_rng(0)
    shape = zoo.truth.wins.shape
    draws = [zoo.judged(rng.random(shape)).of(np.arange(shape[0])) for _ in range(500)]
    return {name: float(np.mean([draw[name] for draw in draws])) for name in FIGURES}
