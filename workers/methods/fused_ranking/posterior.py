"""The posterior of all accuracies on the target: its mean, deviation and joint draws.

On the target, accuracy = L + s · c(z). The level L is normal and the slope s log-normal, with
moments from the history's columns; c(z) is Gaussian with the prior mean and covariance of a link.
Given s, everything is Gaussian; s is integrated over a grid, and the links count equally.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray

from workers.methods.fused_ranking import maths
from workers.methods.fused_ranking.learning import Strengths, Weights
from workers.methods.fused_ranking.signals import AccuracyColumn, Signals

GRID = np.linspace(-2.0, 2.0, 13)
MEASUREMENT_NOISE = 0.003
SMALLEST_NOISE = 0.05
SMALLEST_SHARE = 1e-4
TYPICAL_LEVEL, LEVEL_DEVIATION = 0.7, 0.2
TYPICAL_SLOPE, LOG_SLOPE_DEVIATION = 0.05, 0.7
VIRTUAL = 2


@dataclass(frozen=True)
class AccuracyPrior:
    """Prior of c(z) before any run on the target: mean, and covariance B Bᵀ + diag(free)."""

    mean: Float64[ndarray, " model"]
    factors: Float64[ndarray, "model factor"]
    free: Float64[ndarray, " model"]


@dataclass(frozen=True)
class Scale:
    """Prior of a column's level and slope, and the noise of one measured run."""

    level: float
    level_deviation: float
    slope: float
    log_slope_deviation: float
    noise: float


@dataclass(frozen=True)
class Runs:
    """Measured accuracies on the target: mask of the models, and their values."""

    is_measured: Bool[ndarray, " model"]
    values: Float64[ndarray, " run"]


@dataclass(frozen=True)
class Moments:
    """Mean and deviation of every accuracy."""

    mean: Float64[ndarray, " model"]
    deviation: Float64[ndarray, " model"]


@dataclass(frozen=True)
class _GivenSlope:
    """One slope: its probability, and the Gaussian of all accuracies before and after the runs."""

    share: float
    slope: float
    prior_mean: Float64[ndarray, " model"]
    gain: Float64[ndarray, "model run"]
    mean: Float64[ndarray, " model"]
    variance: Float64[ndarray, " model"]


def prior_of(
    signals: Signals, strengths: Strengths, weights: Weights, *, trust: float
) -> AccuracyPrior:
    """The prior of z: ability plus trusted signals, with the remaining uncertainty.

    m = ability + trust · X w;  B = [√θ F, X (V + δ² I)^½];  free = ψ R.
    """
    # Weights of a new column: uncertainty V of the shared ones plus δ² of its own deviation.
    open_weights = weights.covariance + strengths.own * np.eye(len(weights.mean))
    factors = np.concatenate(
        [
            signals.features * np.sqrt(strengths.families[signals.families]),
            signals.values @ np.linalg.cholesky(open_weights),
        ],
        axis=1,
    )
    mean = signals.ability + trust * (signals.values @ weights.mean)
    return AccuracyPrior(mean, factors, strengths.free * signals.looseness)


def scale_of(columns: Sequence[AccuracyColumn], *, unit: float) -> Scale:
    """Level and slope of a new column from those of the history and two virtual columns.

    The virtual columns are typical: level 0.7 ± 0.2 and slope 0.05 of a unit, within a factor
    of e^0.7. They keep the deviations finite for a short history. A column with one value or
    equal ones has a level, but no slope.
    """
    levels = np.array([column.level for column in columns if not np.isnan(column.z).all()])
    slopes = np.array([column.slope for column in columns if column.slope > 0])
    level_count, slope_count = len(levels) + VIRTUAL, len(slopes) + VIRTUAL
    level = (levels.sum() + VIRTUAL * TYPICAL_LEVEL * unit) / level_count
    spread = ((levels - level) ** 2).sum() + VIRTUAL * (LEVEL_DEVIATION * unit) ** 2
    logs = np.log(slopes)
    log_slope = float(logs.mean()) if len(slopes) else float(np.log(TYPICAL_SLOPE * unit))
    log_spread = ((logs - log_slope) ** 2).sum() + VIRTUAL * LOG_SLOPE_DEVIATION**2
    slope = float(np.exp(log_slope))
    return Scale(
        float(level),
        float(np.sqrt(spread / level_count * (1 + 1 / level_count))),
        slope,
        float(np.sqrt(log_spread / slope_count * (1 + 1 / slope_count))),
        min(MEASUREMENT_NOISE * unit, SMALLEST_NOISE * slope),
    )


def limited_runs(runs: Runs, scale: Scale) -> Runs:
    """Runs with outliers softly limited, so one failed run cannot distort the posterior."""
    middle, spread = maths.middle_and_spread(runs.values)
    width = max(spread, scale.slope)
    return Runs(
        runs.is_measured, middle + width * maths.soft_limited((runs.values - middle) / width)
    )


def moments_of(priors: Sequence[AccuracyPrior], scale: Scale, runs: Runs) -> Moments:
    """Posterior mean and deviation, in the unit of the accuracies: a mixture over links and slopes."""
    parts = [part for prior in priors for part in _slopes(prior, scale, runs)]
    shares = np.array([part.share for part in parts]) / len(priors)
    means = np.stack([part.mean for part in parts])
    variances = np.stack([part.variance for part in parts])
    mean = shares @ means
    return Moments(mean, np.sqrt(shares @ (variances + (means - mean) ** 2)))


def draws_of(
    priors: Sequence[AccuracyPrior], scale: Scale, runs: Runs, *, count: int, seed: int
) -> Float64[ndarray, "draw model"]:
    """Joint posterior draws, equally many of every link; equal questions use equal numbers."""
    draws = []
    for prior in priors:
        rng = np.random.default_rng(seed)
        draws.append(_draws(prior, scale, runs, count=-(-count // len(priors)), rng=rng))
    return np.concatenate(draws)[:count]


def _draws(
    prior: AccuracyPrior, scale: Scale, runs: Runs, *, count: int, rng: np.random.Generator
) -> Float64[ndarray, "draw model"]:
    """Prior draws, each corrected by the measured runs; slopes in proportion to their shares."""
    level = scale.level_deviation * rng.standard_normal((count, 1))
    noise = scale.noise * rng.standard_normal((count, len(runs.values)))
    common = rng.standard_normal((count, prior.factors.shape[1])) @ prior.factors.T
    z = common + rng.standard_normal((count, len(prior.mean))) * np.sqrt(prior.free)
    parts = list(_slopes(prior, scale, runs))
    ends = np.round(np.cumsum([part.share for part in parts]) * count).astype(int)
    draws, start = np.empty_like(z), 0
    for part, end in zip(parts, ends, strict=True):
        chosen = slice(start, end)
        own = part.prior_mean + level[chosen] + part.slope * z[chosen]
        # Matheron's rule: prior draw + G (y + noise − draw_s).
        draws[chosen] = (
            own + (runs.values + noise[chosen] - own[:, runs.is_measured]) @ part.gain.T
        )
        start = end
    return np.asarray(draws)


def _slopes(prior: AccuracyPrior, scale: Scale, runs: Runs) -> Iterator[_GivenSlope]:
    """The posterior for every slope of the grid that is not negligible; shares sum to 1.

    Shares are a standard normal on the grid times the likelihood of the runs.
    """
    measured = runs.is_measured
    across = prior.factors @ prior.factors[measured].T
    across[measured] += np.diag(prior.free[measured])
    variance = (prior.factors**2).sum(axis=1) + prior.free
    logs = -0.5 * GRID**2
    slopes = scale.slope * np.exp(scale.log_slope_deviation * GRID)
    # The unknown level is shared by all models and adds the same variance to every entry.
    covariances = [scale.level_deviation**2 + slope**2 * across for slope in slopes]
    noise = scale.noise**2 * np.eye(len(runs.values))
    gaps = [runs.values - scale.level - slope * prior.mean[measured] for slope in slopes]
    if len(runs.values):
        logs = logs + [
            maths.gaussian_log_density(gap, covariance[measured] + noise)
            for gap, covariance in zip(gaps, covariances, strict=True)
        ]
    shares = np.exp(logs - logs.max())
    shares = np.where(shares < SMALLEST_SHARE * shares.sum(), 0.0, shares)
    shares = shares / shares.sum()
    for index in np.flatnonzero(shares):
        slope, covariance = float(slopes[index]), covariances[index]
        gain = maths.gain(covariance, covariance[measured] + noise)
        mean = scale.level + slope * prior.mean
        total = scale.level_deviation**2 + slope**2 * variance
        left = np.maximum(total - (gain * covariance).sum(axis=1), 0.0)
        yield _GivenSlope(float(shares[index]), slope, mean, gain, mean + gain @ gaps[index], left)
