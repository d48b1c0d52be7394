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
        measured = [value for value in column if not math.isnan(value)]
        mean = sum(measured) / len(measured)
        deviation = math.sqrt(sum((value - mean) ** 2 for value in measured) / len(measured))
        for row, value in enumerate(column):
            if not math.isnan(value):
                totals[row].append((value - mean) / deviation if deviation else 0.0)
    return [sum(total) / len(total) if total else math.nan for total in totals]


def soft_limited(value: float) -> float:
    """The value itself between −2.5 and 4; beyond, the limit plus the logarithm of the excess."""
    if value < -2.5:
        return -2.5 - math.log(1 + (-2.5 - value))
    return 4 + math.log(1 + value - 4) if value > 4 else value


def normal_scores(values: Sequence[float], spread: float) -> list[float]:
    """Φ⁻¹ of the mean of Φ((value − other) / h), with h a tenth of the spread, pair by pair."""
    shares = [
        sum(norm.cdf((value - other) / (0.1 * spread)) for other in values) / len(values)
        for value in values
    ]
    return [float(norm.ppf(share)) for share in shares]


def curve_at(nodes: Sequence[float], curve: Sequence[float], z: float) -> float:
    """The straight line through the two nodes around z, or through the nearest two."""
    right = next((n for n in range(1, len(nodes) - 1) if z < nodes[n]), len(nodes) - 1)
    share = (z - nodes[right - 1]) / (nodes[right] - nodes[right - 1])
    return curve[right - 1] + share * (curve[right] - curve[right - 1])


def curve_moments(
    nodes: Sequence[float], curve: Sequence[float], mean: float, deviation: float
) -> tuple[float, float, float]:
    """E[c(z)], E[c′(z)] and Var[c(z)] for a normal z, by small steps."""
    step = 0.002
    total = slope = square = 0.0
    for z in np.arange(mean - 8 * deviation, mean + 8 * deviation, step):
        weight = norm.pdf(z, mean, deviation) * step
        value = curve_at(nodes, curve, z)
        total += weight * value
        square += weight * value**2
        slope += weight * (curve_at(nodes, curve, z + 1e-4) - value) / 1e-4
    return total, slope, square - total**2


def value_of_measuring(means: Sequence[float], deviation: float, index: int) -> float:
    """E[max(own accuracy, best other mean)] − best mean, by small steps."""
    other = max(mean for at, mean in enumerate(means) if at != index)
    step = 0.001 * deviation
    expected = sum(
        max(x, other) * norm.pdf(x, means[index], deviation) * step
        for x in np.arange(means[index] - 8 * deviation, means[index] + 8 * deviation, step)
    )
    return float(expected - max(means))


def after_runs(
    parts: Sequence[tuple[float, Array, Array]], measured: Sequence[int], values: Array, noise: float
) -> tuple[Array, Array]:  # fmt: skip
    """Mean and deviation of a mixture of Gaussians (weight, mean, covariance) given noisy values.

    Each component is conditioned densely; its weight grows by its density.
    """
    weights, means, variances = [], [], []
    for weight, mean, covariance in parts:
        within = covariance[np.ix_(measured, measured)] + noise**2 * np.eye(len(measured))
        across = covariance[:, measured]
        weights.append(weight * multivariate_normal(mean[measured], within).pdf(values))
        means.append(mean + across @ np.linalg.inv(within) @ (values - mean[measured]))
        variances.append(np.diag(covariance - across @ np.linalg.inv(within) @ across.T))
    shares = np.array(weights) / sum(weights)
    mean = shares @ np.array(means)
    square = shares @ (np.array(variances) + np.array(means) ** 2)
    return mean, np.sqrt(square - mean**2)


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
