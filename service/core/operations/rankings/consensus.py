"""One score from several: means of standardized scores, and who cannot be told from the first."""

from collections.abc import Mapping, Sequence
from math import exp
from statistics import fmean, pstdev

from service.core.catalog.measurement import Estimator
from service.core.tables import EstimateRecord

LABEL_ESTIMATORS = (Estimator.LINEAR_CKA, Estimator.H_SCORE)
"""Combined where labels are known; chosen on the development targets of ``benchmarks.real_transfer``."""

TEMPERATURE, SHARE = 0.45, 0.8
"""Learned on all targets of ``benchmarks.real_transfer``; docs/results/real_transfer.md."""
_ROUNDING = 1e-12


def of_labels(estimated: Mapping[str, EstimateRecord]) -> dict[str, float]:
    """The mean of the standardized label scores of every network that has one, by network."""
    names = [name.value for name in LABEL_ESTIMATORS]
    scores = {
        name: {
            model: estimate.scores[name]
            for model, estimate in estimated.items()
            if estimate.scores.get(name) is not None
        }
        for name in names
    }
    return standardized_means(scores, names=names)


def standardized_means(
    scores: Mapping[str, Mapping[str, float]], *, names: Sequence[str]
) -> dict[str, float]:
    """Mean over the named scores of each model's standardized score, by model.

    A score's spread is taken over all models that have it; a constant score says 0 of each. A model
    without one of the scores takes the mean of those that it has.

    Args:
        scores: By name of the score, then by model.
    """
    standardized = [_standardized(scores.get(name, {})) for name in names]
    models = {model for values in standardized for model in values}
    return {
        model: fmean(values[model] for values in standardized if model in values)
        for model in sorted(models)
    }


def chances_of_best(scores: Sequence[float], temperature: float = TEMPERATURE) -> list[float]:
    """P(best) of networks with these standardized means: proportional to exp(score / temperature)."""
    highest = max(scores)
    weights = [exp((score - highest) / temperature) for score in scores]
    return [weight / sum(weights) for weight in weights]


def likely_best(
    scores: Sequence[float], temperature: float = TEMPERATURE, share: float = SHARE
) -> int:
    """How many of the networks, best first, together are likely to hold the best one.

    The fewest whose chances reach the share; networks with equal scores are in or out together.
    """
    size, total = 0, 0.0
    for score, chance in zip(scores, chances_of_best(scores, temperature), strict=True):
        if total >= share - _ROUNDING and score < scores[size - 1]:
            break
        size, total = size + 1, total + chance
    return size


def _standardized(values: Mapping[str, float]) -> dict[str, float]:
    """Values minus their mean, over their standard deviation."""
    if not values:
        return {}
    center, spread = fmean(values.values()), pstdev(values.values())
    if spread == 0:
        return dict.fromkeys(values, 0.0)
    return {model: (value - center) / spread for model, value in values.items()}
