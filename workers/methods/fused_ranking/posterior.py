"""The posterior of all accuracies on the target: its mean and joint draws.

On the target, accuracy = L + s · z. The level L is normal and the slope s log-normal, with moments
from the history's columns; z is Gaussian with the prior mean and covariance below. Given s,
everything is Gaussian; s is integrated over a grid.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray

from workers.methods.fused_ranking import maths
from workers.methods.fused_ranking.learning import Strengths, Weights
from workers.methods.fused_ranking.signals import Signals

GRID = np.linspace(-2.0, 2.0, 13)
MEASUREMENT_NOISE = 0.003
SMALLEST_NOISE = 0.05


@dataclass(frozen=True)
class AccuracyPrior:
    """Prior of z before any run on the target: mean, and covariance B Bᵀ + diag(free)."""

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
class Posterior:
    """Mean of every accuracy, and joint draws of all."""

    mean: Float64[ndarray, " model"]
    draws: Float64[ndarray, "draw model"]


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


def scale_of(levels: Float64[ndarray, " dataset"], slopes: Float64[ndarray, " dataset"], *, unit: float) -> Scale:  # fmt: skip
    """Level and slope of a new column from those of the history and two virtual columns.

    The virtual columns are typical: level 0.7 ± 0.2 and slope 0.05 of a unit, within a factor
    of e^0.7. They keep the deviations finite for a short history.
    """
    count, virtual = len(levels), 2
    level = (levels.sum() + virtual * 0.7 * unit) / (count + virtual)
    spread = ((levels - level) ** 2).sum() + virtual * (0.2 * unit) ** 2
    logs = np.log(np.maximum(slopes, 1e-9 * unit))
    log_slope = float(logs.mean()) if count else float(np.log(0.05 * unit))
    log_spread = ((logs - log_slope) ** 2).sum() + virtual * 0.7**2
    slope = float(np.exp(log_slope))
    return Scale(
        float(level),
        float(np.sqrt(spread / (count + virtual) * (1 + 1 / (count + virtual)))),
        slope,
        float(np.sqrt(log_spread / (count + virtual) * (1 + 1 / (count + virtual)))),
        min(MEASUREMENT_NOISE * unit, SMALLEST_NOISE * slope),
    )


def limited_runs(runs: Runs, scale: Scale) -> Runs:
    """Runs with outliers softly limited, so one failed run cannot distort the posterior."""
    middle, spread = maths.middle_and_spread(runs.values)
    width = max(spread, scale.slope)
    return Runs(
        runs.is_measured, middle + width * maths.soft_limited((runs.values - middle) / width)
    )


def posterior_of(
    prior: AccuracyPrior, scale: Scale, runs: Runs, *, count: int, rng: np.random.Generator
) -> Posterior:
    """Posterior mean and ``count`` joint draws, in the unit of the accuracies."""
    slopes = scale.slope * np.exp(scale.log_slope_deviation * GRID)
    shares = _slope_shares(prior, scale, runs, slopes)
    slope_index = np.sort(rng.choice(len(GRID), size=count, p=shares))
    mean, draws = np.zeros(len(prior.mean)), []
    for index, slope in enumerate(slopes):
        slope_mean, slope_draws = _given_slope(
            prior,
            scale,
            runs,
            slope=float(slope),
            count=int((slope_index == index).sum()),
            rng=rng,
        )
        mean += shares[index] * slope_mean
        draws.append(slope_draws)
    return Posterior(mean, np.concatenate(draws))


def _slope_shares(
    prior: AccuracyPrior, scale: Scale, runs: Runs, slopes: Float64[ndarray, " slope"]
) -> Float64[ndarray, " slope"]:
    """Probabilities of the slopes: a standard normal on the grid times likelihood^(1/√n).

    The power is below 1 because most runs are of top models, whose accuracies crowd together and
    deviate from one straight line. Power likelihoods: Bissiri, Holmes & Walker 2016.
    """
    logs = -0.5 * GRID**2
    if runs.is_measured.any():
        densities = [
            maths.gaussian_log_density(
                runs.values - (scale.level + slope * prior.mean[runs.is_measured]),
                _measured_covariance(prior, scale, runs, float(slope))[1],
            )
            for slope in slopes
        ]
        logs = logs + np.array(densities) / np.sqrt(len(runs.values))
    shares = np.exp(logs - logs.max())
    return np.asarray(shares / shares.sum())


def _given_slope(
    prior: AccuracyPrior,
    scale: Scale,
    runs: Runs,
    *,
    slope: float,
    count: int,
    rng: np.random.Generator,
) -> tuple[Float64[ndarray, " model"], Float64[ndarray, "draw model"]]:
    """Mean and draws for one slope: prior draws, each corrected by the measured runs."""
    mean = scale.level + slope * prior.mean
    draws = slope * _deviations(prior, count, rng)
    draws += mean + scale.level_deviation * rng.standard_normal((count, 1))
    if not runs.is_measured.any():
        return mean, draws
    across, within = _measured_covariance(prior, scale, runs, slope)
    noise = scale.noise * rng.standard_normal((count, len(runs.values)))
    # Matheron's rule: prior draw + K_s (K_ss + σ²I)⁻¹ (y + noise − draw_s), all (draw, model).
    gaps = runs.values + noise - draws[:, runs.is_measured]
    corrected = draws + np.linalg.solve(within, gaps.T).T @ across.T
    return maths.conditioned(mean, across, within, runs.values - mean[runs.is_measured]), corrected


def _deviations(
    prior: AccuracyPrior, count: int, rng: np.random.Generator
) -> Float64[ndarray, "draw model"]:
    """Draws of z minus its mean, with covariance B Bᵀ + diag(free)."""
    common = rng.standard_normal((count, prior.factors.shape[1])) @ prior.factors.T
    independent = rng.standard_normal((count, len(prior.mean))) * np.sqrt(prior.free)
    return np.asarray(common + independent)


def _measured_covariance(
    prior: AccuracyPrior, scale: Scale, runs: Runs, slope: float
) -> tuple[Float64[ndarray, "model run"], Float64[ndarray, "run run"]]:
    """Covariance of all accuracies with the measured ones, and that of the noisy measured ones."""
    # The unknown level is shared by all models and adds the same variance to every entry.
    z = prior.factors @ prior.factors[runs.is_measured].T
    z[runs.is_measured] += np.diag(prior.free[runs.is_measured])
    across = scale.level_deviation**2 + slope**2 * z
    return across, across[runs.is_measured] + scale.noise**2 * np.eye(len(runs.values))
