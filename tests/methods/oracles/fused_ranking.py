"""Slow plain twins of the fused ranking: loops, dense matrices and closed forms."""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import multivariate_normal, norm

Array = NDArray[np.float64]


def static_list(accuracies: Array) -> list[float]:
    """Mean over datasets of (accuracy − mean) / deviation, cell by cell."""
    totals: list[list[float]] = [[] for _ in accuracies]
    for column in accuracies.T:
        known = [value for value in column if not math.isnan(value)]
        mean = sum(known) / len(known)
        deviation = math.sqrt(sum((value - mean) ** 2 for value in known) / len(known))
        for row, value in enumerate(column):
            if not math.isnan(value):
                totals[row].append((value - mean) / deviation if deviation else 0.0)
    return [sum(total) / len(total) if total else math.nan for total in totals]


def soft_limited(value: float) -> float:
    """The value itself between −2.5 and 4; beyond, the limit plus the logarithm of the excess."""
    if value < -2.5:
        return -2.5 - math.log(1 + (-2.5 - value))
    return 4 + math.log(1 + value - 4) if value > 4 else value


def squared_exponential(left: Sequence[float], right: Sequence[float], width: float) -> float:
    """exp(−|p − q|² / 2ℓ²) of one pair."""
    return math.exp(-sum((a - b) ** 2 for a, b in zip(left, right, strict=True)) / 2 / width**2)


def conditioned(joint: Array, mean: Array, runs_of_models: Sequence[int], values: Array, noise: float) -> Array:  # fmt: skip
    """Posterior mean through the precision matrix of models and noisy measurements together."""
    count, runs = len(mean), len(runs_of_models)
    pick = np.zeros((runs, count))
    pick[range(runs), runs_of_models] = 1
    precision = np.linalg.inv(joint) + pick.T @ pick / noise**2
    onto = np.linalg.inv(joint) @ mean + pick.T @ values / noise**2
    return np.linalg.solve(precision, onto)


def log_evidence(
    residuals: Sequence[Array],
    signals: Sequence[Array],
    covariances: Sequence[Array],
    expected: Array,
    variance: Array,
) -> float:
    """Log density of all residuals stacked, shared weights making them dependent, own ones in C_d."""
    stacked, rows = np.concatenate(residuals), np.concatenate(signals)
    whole = rows @ np.diag(variance) @ rows.T
    at = 0
    for covariance in covariances:
        size = len(covariance)
        whole[at : at + size, at : at + size] += covariance
        at += size
    return float(multivariate_normal(rows @ expected, whole).logpdf(stacked))


def without_level(looseness: Array) -> Array:
    """Orthonormal rows on which looseness^−½ has no part: the data once a level is unknown."""
    level = looseness**-0.5
    basis = np.linalg.qr(np.column_stack([level, np.eye(len(level))]))[0]
    return basis[:, 1 : len(level)].T


def first_is_best(means: Array, covariance: Array) -> float:
    """P(the first of two is the higher) in closed form."""
    spread = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    return float(norm.cdf((means[0] - means[1]) / spread))


def regret_of_first(means: Array, covariance: Array) -> float:
    """E[max(0, second − first)] in closed form."""
    spread = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    gap = (means[1] - means[0]) / spread
    return float(spread * (gap * norm.cdf(gap) + norm.pdf(gap)))


def smallest_size(shares: Sequence[float], coverage: float) -> int:
    """Size of the smallest of all subsets whose shares add up to the coverage."""
    for size in range(1, len(shares) + 1):
        if max(sum(subset) for subset in combinations(shares, size)) >= coverage - 1e-12:
            return size
    return len(shares)
