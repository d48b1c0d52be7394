"""The arithmetic of the report: how well a way of choosing foresees which cut is best.

Scores and accuracies are lists over the cuts of one source, shallowest first. Means are over rows,
one row for each source, target and seed; intervals redraw whole pairs of source and target with
all their seeds, because seeds of one pair are alike.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from benchmarks.layer_protocol.cuts import AMPLE, SCARCE
from service.core.operations.layers.scores import EDGE_WEIGHTS, TargetData
from workers.torchkit.similarity.evaluation import argmax_regret

PRESETS = {SCARCE: EDGE_WEIGHTS[TargetData.SCARCE], AMPLE: EDGE_WEIGHTS[TargetData.AMPLE]}
Row = Mapping[str, Any]
Scores = Sequence[float]
Way = Callable[[Row], Scores | None]
_REPLICATES = 4000
_NINETY_PERCENT = (5, 95)


def chosen(scores: Scores) -> int:
    """Place of the best score; the deepest of equals."""
    return len(scores) - 1 - int(np.argmax(np.asarray(scores)[::-1]))


def correlation(scores: Scores, accuracies: Scores) -> float:
    """Spearman's; 0 where either side is constant and says nothing."""
    if len(set(scores)) < 2 or len(set(accuracies)) < 2:
        return 0.0
    return float(spearmanr(scores, accuracies).statistic)


def regret(scores: Scores, accuracies: Scores) -> float:
    """Points of accuracy that the cut with the best score, the deepest of equals, loses."""
    return 100 * argmax_regret(np.asarray(scores, np.float64), np.asarray(accuracies, np.float64))


def regret_by_chance(accuracies: Scores) -> float:
    """The same for a cut drawn at random, on average."""
    return 100 * (max(accuracies) - sum(accuracies) / len(accuracies))


def deepest(row: Row) -> Scores:
    """The deeper the better."""
    return list(row["cuts"])


def middle(row: Row) -> Scores:
    """The nearer to the middle cut the better; of two middle cuts the deeper."""
    cuts = row["cuts"]
    return [-abs(2 * index + 1 - len(cuts)) for index in range(len(cuts))]


def depara(edge_weight: float) -> Way:
    """s_V + λ s_E as the method gives them; λ = ∞ is s_E alone."""
    return lambda row: combined(row["nodes"], row["edges"], edge_weight)


def combined(nodes: Scores, edges: Scores, edge_weight: float) -> Scores:
    """s_V + λ s_E of every layer, s_E alone where λ is infinite."""
    if np.isinf(edge_weight):
        return list(edges)
    return [node + edge_weight * edge for node, edge in zip(nodes, edges, strict=True)]


def agreement(view: str) -> Way:
    """One of the views in ``scores.VIEWS`` against one layer of the target network."""
    return lambda row: row["agreements"][view]


def measured_with_another_seed(rows: Sequence[Row]) -> Way:
    """The accuracies that the next seed found: what no score can be expected to beat."""
    row_by_key = {(row["source"], row["target"], row["share"], row["seed"]): row for row in rows}
    seeds = sorted({row["seed"] for row in rows})
    after = dict(zip(seeds, [*seeds[1:], seeds[0]], strict=True))

    def way(row: Row) -> Scores | None:
        other = after[row["seed"]]
        if other == row["seed"]:
            return None
        return list(row_by_key[row["source"], row["target"], row["share"], other]["accuracies"])

    return way


def without_deepest(row: Row) -> dict[str, Any]:
    """The row as if its deepest cut had been no candidate."""
    lists = ("cuts", "accuracies", "nodes", "edges")
    shorter = {key: row[key][:-1] for key in lists}
    views = {name: values[:-1] for name, values in row["agreements"].items()}
    return {**row, **shorter, "agreements": views}


def judged(rows: Sequence[Row], way: Way) -> dict[str, list[float]]:
    """Means with 90 % intervals of correlation, regret, and regret less that of simple rules.

    Empty where the way has nothing to say about some row.
    """
    pairs = [(row, scores) for row in rows if (scores := way(row)) is not None]
    if len(pairs) < len(rows):
        return {}
    correlations = [correlation(scores, row["accuracies"]) for row, scores in pairs]
    regrets = [regret(scores, row["accuracies"]) for row, scores in pairs]
    return _beside_rules(rows, correlations, regrets)


def judged_by_chance(rows: Sequence[Row]) -> dict[str, list[float]]:
    """The same for a random choice, whose correlation is 0 on average."""
    regrets = [regret_by_chance(row["accuracies"]) for row in rows]
    return _beside_rules(rows, [0.0] * len(rows), regrets)


def _beside_rules(
    rows: Sequence[Row], correlations: Sequence[float], regrets: Sequence[float]
) -> dict[str, list[float]]:
    rules = {"beside_deepest": deepest, "beside_middle": middle}
    differences = {
        name: [
            own - regret(rule(row), row["accuracies"])
            for own, row in zip(regrets, rows, strict=True)
        ]
        for name, rule in rules.items()
    }
    values = {"spearman": correlations, "regret": regrets, **differences}
    return {name: interval(rows, each) for name, each in values.items()}


def interval(rows: Sequence[Row], values: Sequence[float]) -> list[float]:
    """Mean over rows, and its 90 % interval when pairs of source and target are redrawn."""
    names = [(row["source"], row["target"]) for row in rows]
    groups = [
        np.array([value for value, own in zip(values, names, strict=True) if own == name])
        for name in dict.fromkeys(names)
    ]
    sums, sizes = (
        np.array([group.sum() for group in groups]),
        np.array([len(group) for group in groups]),
    )
    drawn = np.random.default_rng(0).integers(len(groups), size=(_REPLICATES, len(groups)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.percentile(means, _NINETY_PERCENT)
    return [float(np.mean(values)), float(low), float(high)]


def halves(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Every second pair of source and target to tune on, the others to judge on."""
    pairs = list(dict.fromkeys((row["source"], row["target"]) for row in rows))
    tuning = set(pairs[::2])
    mine = [row for row in rows if (row["source"], row["target"]) in tuning]
    return mine, [row for row in rows if (row["source"], row["target"]) not in tuning]
