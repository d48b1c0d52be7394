"""How much every kind of evidence is worth, learned by predicting each dataset from the others.

For a dataset d with residuals r_d (accuracy minus static ability) and signals X_d::

    r_d = X_d w_d + e_d,   w_d ~ N(w, δ² I),   w ~ N(w₀, T),   e_d ~ N(0, Σ_g θ_g F_g F_gᵀ + ψ R)

The strengths θ, ψ, τ², δ² maximize the evidence of all held-out columns together, times a weak
prior; the posterior of w follows in closed form. Bishop, Pattern Recognition 2006, 3.3 and 3.5.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from scipy.optimize import minimize

from workers.methods.fused_ranking.signals import FAMILIES, Signals

ABILITY_VARIANCE = 0.09
TYPICAL = np.log([0.3] * FAMILIES + [0.3, 0.05, 0.02])
LOOSE = np.array([1.5] * FAMILIES + [1.0, 1.0, 1.0])
FARTHEST_DOWN, FARTHEST_UP = 7.0, 3.0
STEPS = 30
FEWEST_KNOWN = 3


@dataclass(frozen=True)
class Strengths:
    """Variances: θ of each family, ψ of what nothing explains, τ² of shared and δ² of own weights."""

    families: Float64[ndarray, " family"]
    free: float
    shared: float
    own: float


@dataclass(frozen=True)
class Fold:
    """Products of one held-out column: all that its evidence depends on.

    ``gram`` is AᵀA for A = [features, signals], rows scaled by looseness^−½ and made orthogonal
    to the column's unknown level; ``onto`` is Aᵀr, ``square`` rᵀr, ``count`` degrees of freedom.
    """

    gram: Float64[ndarray, "both both"]
    onto: Float64[ndarray, " both"]
    square: float
    count: int
    families: Int64[ndarray, " feature"]


@dataclass(frozen=True)
class Weights:
    """Posterior of the shared weights w: mean and covariance."""

    mean: Float64[ndarray, " signal"]
    covariance: Float64[ndarray, "signal signal"]


@dataclass(frozen=True)
class Terms:
    """What one fold says about w: XᵀC⁻¹X, XᵀC⁻¹r, rᵀC⁻¹r, ln|C|."""

    precision: Float64[ndarray, "signal signal"]
    onto: Float64[ndarray, " signal"]
    square: float
    log_determinant: float


def fold_of(signals: Signals, z: Float64[ndarray, " model"]) -> Fold:
    """Products of a column that was held out when the signals were made."""
    known = ~np.isnan(z)
    scale = signals.looseness[known] ** -0.5
    both = np.concatenate([signals.features, signals.values], axis=1)[known] * scale[:, None]
    residual = (z - signals.ability)[known] * scale
    level = scale / np.linalg.norm(scale)
    both, residual = both - np.outer(level, level @ both), residual - level * (level @ residual)
    return Fold(
        both.T @ both,
        both.T @ residual,
        float(residual @ residual),
        int(known.sum()) - 1,
        signals.families,
    )


def terms_of(fold: Fold, strengths: Strengths) -> Terms:
    """Terms of one fold through Woodbury's identity, in the size of features and signals."""
    split = len(fold.families)
    signals = len(fold.onto) - split
    variance = np.concatenate([strengths.families[fold.families], np.full(signals, strengths.own)])
    root = np.sqrt(variance / strengths.free)
    factor = np.linalg.cholesky(np.eye(len(root)) + root[:, None] * fold.gram * root)
    right = root[:, None] * np.column_stack([fold.gram[:, split:], fold.onto])
    half = np.linalg.solve(factor, right)
    taken = half.T @ half
    return Terms(
        (fold.gram[split:, split:] - taken[:-1, :-1]) / strengths.free,
        (fold.onto[split:] - taken[:-1, -1]) / strengths.free,
        float(fold.square - taken[-1, -1]) / strengths.free,
        float(2 * np.log(np.diag(factor)).sum() + fold.count * np.log(strengths.free)),
    )


def weights_from(
    terms: Sequence[Terms],
    expected: Float64[ndarray, " signal"],
    variance: Float64[ndarray, " signal"],
) -> Weights:
    """Posterior of w: (T⁻¹ + Σ XᵀC⁻¹X)⁻¹ and that times (T⁻¹w₀ + Σ XᵀC⁻¹r)."""
    precision = np.diag(1 / variance) + sum(one.precision for one in terms)
    covariance = np.linalg.inv(precision)
    onto = expected / variance + sum(one.onto for one in terms)
    return Weights(covariance @ onto, (covariance + covariance.T) / 2)


def log_evidence(
    terms: Sequence[Terms],
    expected: Float64[ndarray, " signal"],
    variance: Float64[ndarray, " signal"],
) -> float:
    """Log evidence ln p(r_1, r_2, … | strengths) up to a constant, w integrated out."""
    precision = np.diag(1 / variance) + sum(one.precision for one in terms)
    onto = expected / variance + sum(one.onto for one in terms)
    factor = np.linalg.cholesky(precision)
    white = np.linalg.solve(factor, onto)
    squares = (
        sum(one.square for one in terms) + float(expected**2 @ (1 / variance)) - white @ white
    )
    determinants = sum(one.log_determinant for one in terms) + np.log(variance).sum()
    return float(-0.5 * (squares + determinants) - np.log(np.diag(factor)).sum())


def prior_variance(shared: float, signals: int) -> Float64[ndarray, " signal"]:
    """T: the first signal corrects the static ability, the others share τ²."""
    return np.array([ABILITY_VARIANCE] + [shared] * (signals - 1))


def learned_strengths(folds: Sequence[Fold], expected: Float64[ndarray, " signal"]) -> Strengths:
    """Strengths of most evidence times a log-normal prior; the prior's own without folds."""

    def loss(logs: Float64[ndarray, " strength"]) -> float:
        strengths = strengths_from(logs)
        terms = [terms_of(fold, strengths) for fold in folds]
        variance = prior_variance(strengths.shared, len(expected))
        surprise = float((((logs - TYPICAL) / LOOSE) ** 2).sum())
        return 0.5 * surprise - log_evidence(terms, expected, variance)

    if not folds:
        return strengths_from(TYPICAL)
    bounds = [(log - FARTHEST_DOWN, log + FARTHEST_UP) for log in TYPICAL]
    found = minimize(loss, TYPICAL, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS})
    return strengths_from(found.x)


def strengths_from(logs: Float64[ndarray, " strength"]) -> Strengths:
    """The four kinds of variances from their logarithms."""
    values = np.exp(logs)
    return Strengths(values[:FAMILIES], *(float(one) for one in values[FAMILIES:]))


def usable(z: Float64[ndarray, " model"]) -> bool:
    """Whether a column can teach: three known values that are not all the same."""
    known = z[~np.isnan(z)]
    return len(known) >= FEWEST_KNOWN and bool(known.std() > 0)
