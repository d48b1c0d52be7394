"""Calibration on the history: how far to trust the signals, and how wide uncertainty should be.

Every dataset is predicted with weights learned from the others. Signals count only as far as they
order the held-out datasets better than the static ability alone. Uncertainty is scaled until the
true winners are as likely as predicted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.stats import weightedtau

from workers.methods.fused_ranking import maths
from workers.methods.fused_ranking.learning import Strengths, Terms, Weights, weights_from
from workers.methods.fused_ranking.posterior import prior_of
from workers.methods.fused_ranking.signals import Signals

TRUSTS = (1.0, 0.75, 0.5, 0.25, 0.0)
TEMPERS = np.exp(np.linspace(-1.0, 1.0, 9))
TEMPER_DEVIATION = 0.5
DRAWS = 500


@dataclass(frozen=True)
class ValidationFold:
    """A held-out dataset of the history: its signals, its weights and the true column."""

    signals: Signals
    weights: Weights
    z: Float64[ndarray, " model"]


def validation_folds(
    signals: Sequence[Signals],
    columns: Sequence[Float64[ndarray, " model"]],
    *,
    terms: Sequence[Terms],
    expected: Float64[ndarray, " signal"],
    variance: Float64[ndarray, " signal"],
) -> tuple[ValidationFold, ...]:
    """Every fold with weights learned from the other folds."""
    return tuple(
        ValidationFold(
            signals[fold],
            weights_from([*terms[:fold], *terms[fold + 1 :]], expected, variance),
            columns[fold],
        )
        for fold in range(len(terms))
    )


def trust_in(folds: Sequence[ValidationFold]) -> float:
    """The factor on the signals, in quarters, that orders held-out datasets best.

    The criterion is the mean weighted Kendall tau; 1 without folds, 0 if signals never help.
    """
    if not folds:
        return 1.0
    # The last trust is 0, the static ability alone: signals must beat it strictly.
    taus = [np.mean([_tau(fold, trust) for fold in folds]) for trust in TRUSTS]
    return TRUSTS[int(np.argmax(taus))] if max(taus) > taus[-1] else 0.0


def temper_for(
    folds: Sequence[ValidationFold], strengths: Strengths, *, trust: float, seed: int
) -> float:
    """Factor on all deviations that makes the held-out winners most probable, under a prior.

    The prior is log-normal around 1 with deviation ½, so a few datasets change little.
    """
    logs = -0.5 * (np.log(TEMPERS) / TEMPER_DEVIATION) ** 2
    rng = np.random.default_rng(seed)
    for fold in folds:
        logs = logs + _winner_logs(fold, strengths, trust, rng)
    return float(TEMPERS[int(np.argmax(logs))])


def _tau(fold: ValidationFold, trust: float) -> float:
    measured = ~np.isnan(fold.z)
    mean = fold.signals.ability + trust * (fold.signals.values @ fold.weights.mean)
    return float(weightedtau(fold.z[measured], mean[measured]).statistic)


def _winner_logs(
    fold: ValidationFold, strengths: Strengths, trust: float, rng: np.random.Generator
) -> Float64[ndarray, " temper"]:
    """Log P(the true winner is best) for every temper, from the same draws."""
    measured = ~np.isnan(fold.z)
    prior = prior_of(fold.signals, strengths, fold.weights, trust=trust)
    # (draw, model): B ε₁ + √free ε₂ has covariance B Bᵀ + diag(free) without forming it.
    deviations = rng.standard_normal((DRAWS, prior.factors.shape[1])) @ prior.factors[measured].T
    deviations += rng.standard_normal(deviations.shape) * np.sqrt(prior.free[measured])
    is_winner = fold.z[measured] == fold.z[measured].max()
    shares = [
        maths.best_shares(prior.mean[measured] + temper * deviations)[is_winner].sum()
        for temper in TEMPERS
    ]
    # Laplace's rule of succession: no winner gets probability 0 from finitely many draws.
    return np.log((DRAWS * np.array(shares) + 1) / (DRAWS + 2))
