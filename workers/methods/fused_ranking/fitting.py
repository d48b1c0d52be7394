"""From evidence to the prior of the target, without the runs measured on it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from workers.methods.fused_ranking import guarding, learning
from workers.methods.fused_ranking.evidence import FusedRankingData
from workers.methods.fused_ranking.learning import Weights
from workers.methods.fused_ranking.posterior import AccuracyPrior, Scale, prior_of, scale_of
from workers.methods.fused_ranking.signals import (
    History,
    Signals,
    column_of,
    history_of,
    signals_of,
)

MOST_FOLDS = 20
WEIGHT_WITHOUT_HISTORY = 0.15


@dataclass(frozen=True)
class Fitted:
    """Everything learned from the history, before any run on the target.

    ``trust`` scales the contribution of the signals; ``temper`` scales the deviations of draws
    in questions about the best model.
    """

    signals: Signals
    weights: Weights
    prior: AccuracyPrior
    scale: Scale
    trust: float
    temper: float


def fitted(inputs: FusedRankingData, *, seed: int, report: Callable[[int, int], None]) -> Fitted:
    """The target's prior, with weights learned by predicting each history column from the others."""
    history = history_of(inputs.accuracies)
    z = history.z
    folds = _folds(z)
    signals_by_fold = []
    for step, dataset in enumerate(folds, start=1):
        signals_by_fold.append(_signals_for_fold(inputs, history, dataset))
        report(step, len(folds) + 1)
    target = signals_of(
        history, inputs.models, inputs.target, traits=inputs.traits, scores=inputs.scores
    )
    columns = [z[:, dataset] for dataset in folds]
    # One fold per held-out dataset; every statistic below depends on these products only.
    products = [
        learning.fold_of(fold_signals, z)
        for fold_signals, z in zip(signals_by_fold, columns, strict=True)
    ]
    expected = _expected(inputs, folds=folds, count=len(target.names))
    strengths = learning.learned_strengths(products, expected)
    variance = learning.prior_variance(strengths.shared, len(expected))
    terms = [learning.terms_of(product, strengths) for product in products]
    validation_folds = guarding.validation_folds(
        signals_by_fold, columns, terms=terms, expected=expected, variance=variance
    )
    trust = guarding.trust_in(validation_folds)
    temper = guarding.temper_for(validation_folds, strengths, trust=trust, seed=seed)
    weights = learning.weights_from(terms, expected, variance)
    prior = prior_of(target, strengths, weights, trust=trust)
    return Fitted(target, weights, prior, _scale(inputs), trust, temper)


def unit_of(accuracies: Float64[ndarray, "*any"]) -> float:
    """1 for shares, 100 for points; points if any accuracy exceeds 1."""
    known_values = accuracies[~np.isnan(accuracies)]
    return 100.0 if len(known_values) and known_values.max() > 1 else 1.0


def _folds(z: Float64[ndarray, "model dataset"]) -> list[int]:
    """Datasets to hold out: at most twenty that vary, and none if the history has one column."""
    if z.shape[1] <= 1:
        return []
    varied = [dataset for dataset in range(z.shape[1]) if learning.usable(z[:, dataset])]
    if len(varied) <= MOST_FOLDS:
        return varied
    return [varied[dataset] for dataset in np.linspace(0, len(varied) - 1, MOST_FOLDS).astype(int)]


def _signals_for_fold(inputs: FusedRankingData, history: History, dataset: int) -> Signals:
    """Signals for one history dataset from all others, computed as for the target."""
    missing = np.full(len(inputs.models), np.nan)
    history_scores = inputs.history_scores
    return signals_of(
        history.without(dataset),
        inputs.models,
        inputs.datasets[dataset],
        traits=inputs.traits,
        scores={
            name: history_scores[name][:, dataset] if name in history_scores else missing
            for name in inputs.scores
        },
    )


def _expected(
    inputs: FusedRankingData, *, folds: Sequence[object], count: int
) -> Float64[ndarray, " signal"]:
    """w₀: zero for signals with history; otherwise a small positive weight."""
    expected = np.zeros(count)
    for index, name in enumerate(inputs.scores, start=1 + len(inputs.traits)):
        history_scores = inputs.history_scores.get(name)
        if not folds or history_scores is None or np.isnan(history_scores).all():
            expected[index] = WEIGHT_WITHOUT_HISTORY
    return expected


def _scale(inputs: FusedRankingData) -> Scale:
    unit = unit_of(np.append(inputs.accuracies, inputs.measured))
    fitted_columns = [
        column_of(column) for column in inputs.accuracies.T if not np.isnan(column).all()
    ]
    levels = np.array([fitted_column.level for fitted_column in fitted_columns], dtype=np.float64)
    slopes = np.array([fitted_column.slope for fitted_column in fitted_columns], dtype=np.float64)
    return scale_of(levels, slopes, unit=unit)
