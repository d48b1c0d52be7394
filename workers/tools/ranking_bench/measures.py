"""Measures of an order's quality, with bootstrap intervals."""

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.stats import kendalltau, spearmanr, weightedtau

MEASURES = ("weighted_tau", "tau", "spearman", "regret", "recall")
FEWEST = 2
LOW, HIGH = 2.5, 97.5


@dataclass(frozen=True)
class Interval:
    """A mean over targets with the middle 95 % of its bootstrap replicates."""

    mean: float
    low: float
    high: float
    targets: int


def rank_measures(
    truth: Float64[ndarray, " model"], guess: Float64[ndarray, " model"], *, k: int, points: float
) -> dict[str, float] | None:
    """All measures of one order; None if fewer than two models have both values.

    Weighted Kendall tau, Kendall tau and Spearman are 0 for a constant order. Regret is the best
    accuracy minus that of the first model, in points. Recall is the share of the first k models
    that are among the k best.
    """
    is_known = ~np.isnan(truth) & ~np.isnan(guess)
    if is_known.sum() < FEWEST:
        return None
    truths, guesses = truth[is_known], guess[is_known]
    order = np.argsort(-guesses, kind="stable")
    known_truth = np.sort(truth[~np.isnan(truth)])[::-1]
    k = min(k, len(known_truth))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constant orders: handled as 0
        correlations = [
            weightedtau(truths, guesses),
            kendalltau(truths, guesses),
            spearmanr(truths, guesses),
        ]
    taus = [float(np.nan_to_num(correlation.statistic)) for correlation in correlations]
    regret = float(known_truth[0] - truths[order[0]]) * points
    recall = float((truths[order[:k]] >= known_truth[k - 1]).sum() / k)
    return dict(zip(MEASURES, [*taus, regret, recall], strict=True))


def bootstrapped(values: Float64[ndarray, " target"], *, replicates: int, seed: int) -> Interval:
    """Mean over targets with its interval when targets are resampled with replacement."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(values), size=(replicates, len(values)))
    low, high = np.percentile(values[drawn].mean(axis=1), [LOW, HIGH])
    return Interval(float(values.mean()), float(low), float(high), len(values))
