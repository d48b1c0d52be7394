"""Joint draws of all accuracies on the target, given everything, and their mean.

On the target accuracy = L + s · z. The level L is normal, the slope s log-normal with what the
history's columns show; z is Gaussian with the prior mean and covariance below. Given s all is
Gaussian; s itself is averaged over a grid.
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
class Prior:
    """z before any run on the target: mean, and covariance B Bᵀ + diag(free)."""

    mean: Float64[ndarray, " model"]
    factors: Float64[ndarray, "model factor"]
    free: Float64[ndarray, " model"]


@dataclass(frozen=True)
class Scale:
    """What a column's level and slope are expected to be, and the noise of one measured run."""

    level: float
    level_deviation: float
    slope: float
    log_slope_deviation: float
    noise: float


@dataclass(frozen=True)
class Runs:
    """Measured accuracies on the target: places and values."""

    seen: Bool[ndarray, " model"]
    values: Float64[ndarray, " seen"]


@dataclass(frozen=True)
class Posterior:
    """Mean of every accuracy, and joint draws."""

    mean: Float64[ndarray, " model"]
    draws: Float64[ndarray, "draw model"]


def prior_of(signals: Signals, strengths: Strengths, weights: Weights, *, trust: float) -> Prior:
    """Ability plus trusted signals, and what remains open about them.

    m = ability + trust · X w;  B = [√θ F, X (V + δ² I)^½];  free = ψ R.
    """
    open_weights = weights.covariance + strengths.own * np.eye(len(weights.mean))
    factors = np.concatenate(
        [
            signals.features * np.sqrt(strengths.families[signals.families]),
            signals.values @ np.linalg.cholesky(open_weights),
        ],
        axis=1,
    )
    mean = signals.ability + trust * (signals.values @ weights.mean)
    return Prior(mean, factors, strengths.free * signals.looseness)


def scale_of(levels: Float64[ndarray, " dataset"], slopes: Float64[ndarray, " dataset"], *, unit: float) -> Scale:  # fmt: skip
    """Level and slope of a new column from those of the history, as if two more had been seen.

    The two are typical ones: level 0.7 ± 0.2 and slope 0.05 of a unit, within a factor of e^0.7.
    """
    count, extra = len(levels), 2
    level = (levels.sum() + extra * 0.7 * unit) / (count + extra)
    spread = ((levels - level) ** 2).sum() + extra * (0.2 * unit) ** 2
    logs = np.log(np.maximum(slopes, 1e-9 * unit))
    log_slope = float(logs.mean()) if count else float(np.log(0.05 * unit))
    log_spread = ((logs - log_slope) ** 2).sum() + extra * 0.7**2
    slope = float(np.exp(log_slope))
    return Scale(
        float(level),
        float(np.sqrt(spread / (count + extra) * (1 + 1 / (count + extra)))),
        slope,
        float(np.sqrt(log_spread / (count + extra) * (1 + 1 / (count + extra)))),
        min(MEASUREMENT_NOISE * unit, SMALLEST_NOISE * slope),
    )


def limited_runs(runs: Runs, scale: Scale) -> Runs:
    """Runs with failures softly limited, so that one of them cannot bend all others."""
    middle, spread = maths.middle_and_spread(runs.values)
    width = max(spread, scale.slope)
    return Runs(runs.seen, middle + width * maths.soft_limited((runs.values - middle) / width))


def posterior_of(
    prior: Prior, scale: Scale, runs: Runs, *, count: int, rng: np.random.Generator
) -> Posterior:
    """Mean and draws in the unit of the accuracies."""
    slopes = scale.slope * np.exp(scale.log_slope_deviation * GRID)
    shares = _slope_shares(prior, scale, runs, slopes)
    which = np.sort(rng.choice(len(GRID), size=count, p=shares))
    mean, draws = np.zeros(len(prior.mean)), []
    for at, slope in enumerate(slopes):
        own, drawn = _given_slope(
            prior, scale, runs, slope=float(slope), count=int((which == at).sum()), rng=rng
        )
        mean += shares[at] * own
        draws.append(drawn)
    return Posterior(mean, np.concatenate(draws))


def _slope_shares(
    prior: Prior, scale: Scale, runs: Runs, slopes: Float64[ndarray, " slope"]
) -> Float64[ndarray, " slope"]:
    """Probabilities of the slopes: standard normal on the grid times the likelihood^(1/√n).

    The power is below 1 because runs are mostly made at the top, where accuracies crowd and one
    straight line does not hold; power likelihoods: Bissiri, Holmes & Walker 2016.
    """
    logs = -0.5 * GRID**2
    if runs.seen.any():
        densities = [
            maths.gaussian_log_density(
                runs.values - (scale.level + slope * prior.mean[runs.seen]),
                _seen(prior, scale, runs, float(slope))[1],
            )
            for slope in slopes
        ]
        logs = logs + np.array(densities) / np.sqrt(len(runs.values))
    shares = np.exp(logs - logs.max())
    return np.asarray(shares / shares.sum())


def _given_slope(
    prior: Prior,
    scale: Scale,
    runs: Runs,
    *,
    slope: float,
    count: int,
    rng: np.random.Generator,
) -> tuple[Float64[ndarray, " model"], Float64[ndarray, "draw model"]]:
    """Mean and draws for one slope: draws of the prior, each corrected by what was measured."""
    mean = scale.level + slope * prior.mean
    drawn = slope * _deviations(prior, count, rng)
    drawn += mean + scale.level_deviation * rng.standard_normal((count, 1))
    if not runs.seen.any():
        return mean, drawn
    across, within = _seen(prior, scale, runs, slope)
    noise = scale.noise * rng.standard_normal((count, len(runs.values)))
    gaps = runs.values + noise - drawn[:, runs.seen]
    corrected = drawn + np.linalg.solve(within, gaps.T).T @ across.T
    return maths.conditioned(mean, across, within, runs.values - mean[runs.seen]), corrected


def _deviations(
    prior: Prior, count: int, rng: np.random.Generator
) -> Float64[ndarray, "draw model"]:
    """Draws of z minus its mean."""
    common = rng.standard_normal((count, prior.factors.shape[1])) @ prior.factors.T
    own = rng.standard_normal((count, len(prior.mean))) * np.sqrt(prior.free)
    return np.asarray(common + own)


def _seen(
    prior: Prior, scale: Scale, runs: Runs, slope: float
) -> tuple[Float64[ndarray, "model seen"], Float64[ndarray, "seen seen"]]:
    """Covariance of all accuracies with the measured ones, and of these with noise."""
    z = prior.factors @ prior.factors[runs.seen].T
    z[runs.seen] += np.diag(prior.free[runs.seen])
    across = scale.level_deviation**2 + slope**2 * z
    return across, across[runs.seen] + scale.noise**2 * np.eye(len(runs.values))
