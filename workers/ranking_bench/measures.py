"""How good an order is, and how sure that is."""

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


def judged(
    truth: Float64[ndarray, " model"], guess: Float64[ndarray, " model"], *, k: int, points: float
) -> dict[str, float] | None:
    """All measures of one order; None if fewer than two models have both numbers.

    Weighted Kendall tau, Kendall tau and Spearman are 0 for an order that tells nothing. Regret
    is the best accuracy minus that of the model put first, in points. Recall is the share of the
    k models put first that are among the k best.
    """
    both = ~np.isnan(truth) & ~np.isnan(guess)
    if both.sum() < FEWEST:
        return None
    y, x = truth[both], guess[both]
    order = np.argsort(-x, kind="stable")
    known = np.sort(truth[~np.isnan(truth)])[::-1]
    k = min(k, len(known))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constant orders: handled as 0
        found = [weightedtau(y, x), kendalltau(y, x), spearmanr(y, x)]
    taus = [float(np.nan_to_num(one.statistic)) for one in found]
    regret = float(known[0] - y[order[0]]) * points
    recall = float((y[order[:k]] >= known[k - 1]).sum() / k)
    return dict(zip(MEASURES, [*taus, regret, recall], strict=True))


def bootstrapped(values: Float64[ndarray, " target"], *, replicates: int, seed: int) -> Interval:
    """Mean over targets, and where it lies when targets are drawn again with replacement."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(values), size=(replicates, len(values)))
    low, high = np.percentile(values[drawn].mean(axis=1), [LOW, HIGH])
    return Interval(float(values.mean()), float(low), float(high), len(values))
