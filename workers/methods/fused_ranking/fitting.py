"""From evidence to the prior of the target, without the runs measured on it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray
from scipy.stats import weightedtau

from workers.methods.fused_ranking import learning, maths
from workers.methods.fused_ranking.evidence import FusedRankingData
from workers.methods.fused_ranking.failures import Failures, failed_cells, learned_failures
from workers.methods.fused_ranking.learning import Weights
from workers.methods.fused_ranking.links import LinkedHistory, linked_histories, through_curve
from workers.methods.fused_ranking.posterior import AccuracyPrior, prior_of, scale_of
from workers.methods.fused_ranking.predicting import Predictor
from workers.methods.fused_ranking.signals import AccuracyColumn, Signals, column_of, signals_of

MOST_FOLDS = 20
WEIGHT_WITHOUT_HISTORY = 0.15


@dataclass(frozen=True)
class FittedLink:
    """What one link has learned from the history.

    Attributes:
        signals: Predictors of the target.
        weights: Their weights.
        trust: 1, or 0 if the signals clearly harm held-out datasets.
        prior: Prior of the target, after the link's curve.
        held_out: The same for every held-out dataset, with weights learned from the others.
    """

    signals: Signals
    weights: Weights
    trust: float
    prior: AccuracyPrior
    held_out: tuple[AccuracyPrior, ...]


@dataclass(frozen=True)
class HeldOut:
    """Accuracies of a dataset of the history, and what predicts them from the others."""

    accuracies: Float64[ndarray, " model"]
    predictor: Predictor


@dataclass(frozen=True)
class Fitted:
    """Everything learned from the history, before any run on the target."""

    links: tuple[FittedLink, ...]
    predictor: Predictor
    held_out: tuple[HeldOut, ...]


@dataclass(frozen=True)
class ValidationFold:
    """A held-out dataset: its signals, its weights and the true column."""

    signals: Signals
    weights: Weights
    z: Float64[ndarray, " model"]


def fitted(inputs: FusedRankingData, *, report: Callable[[int, int], None]) -> Fitted:
    """The target's prior, with weights learned by predicting each history column from the others."""
    unit = unit_of(np.append(inputs.accuracies, inputs.measured))
    failed = failed_cells(inputs.accuracies)
    learned = replace(inputs, accuracies=np.where(failed, np.nan, inputs.accuracies))
    columns = [column_of(column) for column in learned.accuracies.T]
    folds = _folds(columns)
    histories = linked_histories(learned.accuracies, columns)
    links = []
    for step, history in enumerate(histories, start=1):
        links.append(_fitted_link(learned, history, folds))
        report(step, len(histories) + 1)
    every = np.arange(len(columns))
    predictors = [
        Predictor(
            tuple(link.held_out[index] for link in links),
            scale_of(_without(columns, fold), unit=unit),
            _failures(inputs, failed, columns, np.delete(every, fold)),
        )
        for index, fold in enumerate(folds)
    ]
    held_out = tuple(
        HeldOut(inputs.accuracies[:, fold], predictor)
        for fold, predictor in zip(folds, predictors, strict=True)
    )
    target = Predictor(
        tuple(link.prior for link in links),
        scale_of(columns, unit=unit),
        _failures(inputs, failed, columns, every),
    )
    return Fitted(tuple(links), target, held_out)


def _failures(
    inputs: FusedRankingData,
    failed: Bool[ndarray, "model dataset"],
    columns: Sequence[AccuracyColumn],
    chosen: Int64[ndarray, " chosen"],
) -> Failures | None:
    """What some datasets say about failures; None if nothing failed anywhere."""
    if not failed.any():
        return None
    return learned_failures(
        inputs.accuracies[:, chosen], failed[:, chosen], [columns[index] for index in chosen]
    )


def unit_of(accuracies: Float64[ndarray, "*any"]) -> float:
    """1 for shares, 100 for points; points if any accuracy exceeds 1."""
    known_values = accuracies[~np.isnan(accuracies)]
    return 100.0 if len(known_values) and known_values.max() > 1 else 1.0


def trust_in(folds: Sequence[ValidationFold]) -> float:
    """1, or 0 if the signals harm the order of held-out datasets by two standard errors.

    The history is short and noisy. Signals keep their learned weights unless the paired
    differences of weighted Kendall tau to the static ability alone speak clearly against them.
    """
    gains = np.array([_tau(fold, 1.0) - _tau(fold, 0.0) for fold in folds])
    return 0.0 if maths.clearly_harmful(gains) else 1.0


def _fitted_link(
    inputs: FusedRankingData, history: LinkedHistory, folds: Sequence[int]
) -> FittedLink:
    z = history.z
    fold_signals = [_signals_for_fold(inputs, z, dataset) for dataset in folds]
    target = signals_of(
        z, inputs.models, inputs.target, traits=inputs.traits, scores=inputs.scores
    )
    # One product per held-out dataset; every statistic below depends on these only.
    products = [
        learning.fold_of(signals, z[:, dataset])
        for signals, dataset in zip(fold_signals, folds, strict=True)
    ]
    expected = _expected(inputs, folds=folds, count=len(target.names))
    strengths = learning.learned_strengths(products, expected)
    variance = learning.prior_variance(strengths.shared, len(expected))
    terms = [learning.terms_of(product, strengths) for product in products]
    validation = [
        ValidationFold(
            signals,
            learning.weights_from([*terms[:index], *terms[index + 1 :]], expected, variance),
            z[:, dataset],
        )
        for index, (signals, dataset) in enumerate(zip(fold_signals, folds, strict=True))
    ]
    trust = trust_in(validation)
    weights = learning.weights_from(terms, expected, variance)
    held_out = tuple(
        through_curve(
            prior_of(fold.signals, strengths, fold.weights, trust=trust),
            history.curve(without=dataset),
        )
        for fold, dataset in zip(validation, folds, strict=True)
    )
    prior = through_curve(prior_of(target, strengths, weights, trust=trust), history.curve())
    return FittedLink(target, weights, trust, prior, held_out)


def _tau(fold: ValidationFold, trust: float) -> float:
    measured = ~np.isnan(fold.z)
    mean = fold.signals.ability + trust * (fold.signals.values @ fold.weights.mean)
    return float(np.nan_to_num(weightedtau(fold.z[measured], mean[measured]).statistic))


def _without(columns: Sequence[AccuracyColumn], index: int) -> list[AccuracyColumn]:
    return [*columns[:index], *columns[index + 1 :]]


def _folds(columns: Sequence[AccuracyColumn]) -> list[int]:
    """Datasets to hold out: at most twenty that vary, and none if the history has one column."""
    if len(columns) <= 1:
        return []
    varied = [index for index, column in enumerate(columns) if learning.usable(column.z)]
    if len(varied) <= MOST_FOLDS:
        return varied
    return [varied[index] for index in np.linspace(0, len(varied) - 1, MOST_FOLDS).astype(int)]


def _signals_for_fold(
    inputs: FusedRankingData, z: Float64[ndarray, "model dataset"], dataset: int
) -> Signals:
    """Signals for one history dataset from all others, computed as for the target."""
    missing = np.full(len(inputs.models), np.nan)
    history_scores = inputs.history_scores
    return signals_of(
        np.delete(z, dataset, axis=1),
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
