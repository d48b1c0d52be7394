"""From evidence to the prior of the target: the recipe, without a look at measured runs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from workers.methods.fused_ranking import guarding, learning
from workers.methods.fused_ranking.evidence import Inputs
from workers.methods.fused_ranking.learning import Weights
from workers.methods.fused_ranking.posterior import Prior, Scale, prior_of, scale_of
from workers.methods.fused_ranking.signals import (
    History,
    Signals,
    column_of,
    history_of,
    signals_of,
)

MOST_FOLDS = 20
UNTAUGHT = 0.15


@dataclass(frozen=True)
class Fitted:
    """All that was learned before a run on the target.

    ``trust`` is the share of the signals' advice that is followed, ``temper`` the factor of
    deviations that the history asks for where the best is sought.
    """

    signals: Signals
    weights: Weights
    prior: Prior
    scale: Scale
    trust: float
    temper: float


def fitted(inputs: Inputs, *, seed: int, told: Callable[[int, int], None]) -> Fitted:
    """Learn from the history how to predict a column from the others, and apply it to the target."""
    history = history_of(inputs.accuracies)
    z = history.z
    folds = _folds(z)
    signals = []
    for step, dataset in enumerate(folds, start=1):
        signals.append(_without(inputs, history, dataset))
        told(step, len(folds) + 1)
    target = signals_of(
        history, inputs.models, inputs.target, traits=inputs.traits, scores=inputs.scores
    )
    columns = [z[:, dataset] for dataset in folds]
    products = [learning.fold_of(one, z) for one, z in zip(signals, columns, strict=True)]
    expected = _expected(inputs, taught=bool(folds), count=len(target.names))
    strengths = learning.learned_strengths(products, expected)
    variance = learning.prior_variance(strengths.shared, len(expected))
    terms = [learning.terms_of(product, strengths) for product in products]
    rehearsed = guarding.rehearsals(
        signals, columns, terms=terms, expected=expected, variance=variance
    )
    trust = guarding.trust_in(rehearsed)
    temper = guarding.temper_for(rehearsed, strengths, trust=trust, seed=seed)
    weights = learning.weights_from(terms, expected, variance)
    prior = prior_of(target, strengths, weights, trust=trust)
    return Fitted(target, weights, prior, _scale(inputs), trust, temper)


def unit_of(accuracies: Float64[ndarray, "*any"]) -> float:
    """1 for shares, 100 for points: whether any accuracy exceeds 1."""
    known = accuracies[~np.isnan(accuracies)]
    return 100.0 if len(known) and known.max() > 1 else 1.0


def _folds(z: Float64[ndarray, "model dataset"]) -> list[int]:
    """Datasets that can be held out: varied ones, others beside them, twenty at most."""
    if z.shape[1] <= 1:
        return []
    varied = [at for at in range(z.shape[1]) if learning.usable(z[:, at])]
    if len(varied) <= MOST_FOLDS:
        return varied
    return [varied[at] for at in np.linspace(0, len(varied) - 1, MOST_FOLDS).astype(int)]


def _without(inputs: Inputs, history: History, dataset: int) -> Signals:
    """Signals for one dataset of the history from all others, as they are made for the target."""
    unknown = np.full(len(inputs.models), np.nan)
    past = inputs.history_scores
    return signals_of(
        history.without(dataset),
        inputs.models,
        inputs.datasets[dataset],
        traits=inputs.traits,
        scores={
            name: past[name][:, dataset] if name in past else unknown for name in inputs.scores
        },
    )


def _expected(inputs: Inputs, *, taught: bool, count: int) -> Float64[ndarray, " signal"]:
    """w₀: zero where the history can teach, else that a higher score is a little better."""
    expected = np.zeros(count)
    for place, name in enumerate(inputs.scores, start=1 + len(inputs.traits)):
        past = inputs.history_scores.get(name)
        if not taught or past is None or np.isnan(past).all():
            expected[place] = UNTAUGHT
    return expected


def _scale(inputs: Inputs) -> Scale:
    unit = unit_of(np.append(inputs.accuracies, inputs.measured))
    columns = [column_of(one) for one in inputs.accuracies.T if not np.isnan(one).all()]
    levels = np.array([column.level for column in columns], dtype=np.float64)
    slopes = np.array([column.slope for column in columns], dtype=np.float64)
    return scale_of(levels, slopes, unit=unit)
