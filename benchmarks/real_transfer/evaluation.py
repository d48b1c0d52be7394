"""How well every metric orders the networks; the choice of the estimators that `auto` combines."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from service.core.catalog.fused_ranking import FusedRankingParams
from service.core.operations.rankings.consensus import standardized_means
from workers.methods import fused_ranking
from workers.methods.fused_ranking import FusedRankingData
from workers.tools.ranking_bench.measures import rank_measures
from workers.torchkit.protocols import silent

POINTS = 100.0
PENALTY = 0.01
RECALL_AT = 3
TRAITS = ("parameters", "input size")
COMBINABLE = (
    *("linear_cka", "parc", "rsa", "leep", "logme"),
    *("h_score", "knn", "ridge_probe", "linear_probe", "n_leep"),
)
Column = Float64[ndarray, " network"]
Columns = Mapping[str, Column]


def combined(scores: Columns, names: Sequence[str]) -> Column:
    """The mean of standardized scores, by the service's own function; NaN without any score."""
    count = len(next(iter(scores.values())))
    by_name = {
        name: {str(n): float(v) for n, v in enumerate(scores[name]) if not np.isnan(v)}
        for name in names
        if name in scores
    }
    means = standardized_means(by_name, names=names)
    return np.array([means.get(str(n), np.nan) for n in range(count)])


def measured(truth: Column, guess: Column) -> dict[str, float] | None:
    """Spearman, weighted tau and regret of one order; None if it cannot order two networks."""
    measures = rank_measures(truth, guess, k=RECALL_AT, points=POINTS)
    if measures is None or np.nanstd(guess) == 0:
        return None
    return {name: measures[name] for name in ("spearman", "weighted_tau", "regret")}


def fused_order(
    table: Float64[ndarray, "network target"],
    column: int,
    *,
    scores: Columns,
    history_scores: Mapping[str, Float64[ndarray, "network target"]],
    traits: Columns,
) -> Column:
    """Expected accuracies of all networks for one target, from the other targets."""
    networks, targets = table.shape
    others = [n for n in range(targets) if n != column]
    models = tuple(f"mdl_{n:02d}" for n in range(networks))
    inputs = FusedRankingData(
        models=models,
        candidates=np.ones(networks, dtype=np.bool_),
        datasets=tuple(f"dst_{n:02d}" for n in others),
        accuracies=table[:, others],
        target=f"dst_{column:02d}",
        measured=np.full(networks, np.nan),
        scores=dict(scores),
        history_scores={name: values[:, others] for name, values in history_scores.items()},
        traits=dict(traits),
    )
    result = fused_ranking.run(inputs, FusedRankingParams(samples=1000), silent)
    means = {estimate.model: estimate.mean for estimate in result.estimates}
    return np.array([means[name] for name in models])


def static_order(table: Float64[ndarray, "network target"], column: int) -> Column:
    """Mean standardized accuracy on the other targets."""
    others = np.delete(table, column, axis=1)
    return np.asarray(((others - others.mean(0)) / others.std(0)).mean(1))


def sets_to_try() -> list[tuple[str, ...]]:
    """All sets of two to four estimators."""
    return [names for size in range(2, 5) for names in combinations(COMBINABLE, size)]


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Means over the splits of every target, then over targets."""
    names = ("spearman", "weighted_tau", "regret")
    by_target: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_target.setdefault(row["target"], []).append(row)
    means = [
        [np.mean([row[name] for row in part]) for name in names] for part in by_target.values()
    ]
    return dict(zip(names, np.mean(means, axis=0).tolist(), strict=True))
