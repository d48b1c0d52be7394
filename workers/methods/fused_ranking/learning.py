"""Weights of every kind of evidence, learned by predicting each dataset from the others.

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

ABILITY_VARIANCE = 0.5
TYPICAL = np.log([0.3] * FAMILIES + [0.3, 0.05, 0.02])
LOOSE = np.array([1.5] * FAMILIES + [1.0, 1.0, 1.0])
FARTHEST_DOWN, FARTHEST_UP = 7.0, 3.0
STEPS = 30
FEWEST_KNOWN = 3


@dataclass(frozen=True)
class Strengths:
    """Variances: θ per family, ψ unexplained, τ² of shared and δ² of dataset-specific weights."""

    families: Float64[ndarray, " family"]
    free: float
    shared: float
    own: float


@dataclass(frozen=True)
class Fold:
    """Products of one held-out column: the sufficient statistics of its evidence.

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
    """The evidence of one fold about w: XᵀC⁻¹X, XᵀC⁻¹r, rᵀC⁻¹r, ln|C|."""

    precision: Float64[ndarray, "signal signal"]
    onto: Float64[ndarray, " signal"]
    square: float
    log_determinant: float


def fold_of(signals: Signals, z: Float64[ndarray, " model"]) -> Fold:
    """Products of a column that the signals do not include."""
    measured = ~np.isnan(z)
    scale = signals.looseness[measured] ** -0.5
    design = np.concatenate([signals.features, signals.values], axis=1)[measured] * scale[:, None]
    residual = (z - signals.ability)[measured] * scale
    # The column's level is unknown: project it out of design (model, feature + signal) and
    # residual, which costs one degree of freedom.
    level = scale / np.linalg.norm(scale)
    design, residual = (
        design - np.outer(level, level @ design),
        residual - level * (level @ residual),
    )
    return Fold(
        design.T @ design,
        design.T @ residual,
        float(residual @ residual),
        int(measured.sum()) - 1,
        signals.families,
    )


def terms_of(fold: Fold, strengths: Strengths) -> Terms:
    """Terms of one fold by Woodbury's identity, in the number of features and signals."""
    split = len(fold.families)
    signals = len(fold.onto) - split
    variance = np.concatenate([strengths.families[fold.families], np.full(signals, strengths.own)])
    # C = ψ I + A D Aᵀ with D the variances, so C⁻¹ = (I − A D^½ M⁻¹ D^½ Aᵀ/ψ)/ψ and
    # |C| = ψⁿ |M| with M = I + D^½ AᵀA D^½/ψ: (feature + signal) squared, not (model) squared.
    root = np.sqrt(variance / strengths.free)
    factor = np.linalg.cholesky(np.eye(len(root)) + root[:, None] * fold.gram * root)
    right_side = root[:, None] * np.column_stack([fold.gram[:, split:], fold.onto])
    whitened = np.linalg.solve(factor, right_side)
    # ((signal + 1) squared): the part of [X, r]ᵀ[X, r] that the correlated terms explain.
    explained = whitened.T @ whitened
    return Terms(
        (fold.gram[split:, split:] - explained[:-1, :-1]) / strengths.free,
        (fold.onto[split:] - explained[:-1, -1]) / strengths.free,
        float(fold.square - explained[-1, -1]) / strengths.free,
        float(2 * np.log(np.diag(factor)).sum() + fold.count * np.log(strengths.free)),
    )


def weights_from(
    terms: Sequence[Terms],
    expected: Float64[ndarray, " signal"],
    variance: Float64[ndarray, " signal"],
) -> Weights:
    """Posterior of w: (T⁻¹ + Σ XᵀC⁻¹X)⁻¹ and that times (T⁻¹w₀ + Σ XᵀC⁻¹r)."""
    precision = np.diag(1 / variance) + sum(term.precision for term in terms)
    covariance = np.linalg.inv(precision)
    onto = expected / variance + sum(term.onto for term in terms)
    return Weights(covariance @ onto, (covariance + covariance.T) / 2)


def log_evidence(
    terms: Sequence[Terms],
    expected: Float64[ndarray, " signal"],
    variance: Float64[ndarray, " signal"],
) -> float:
    """Log evidence ln p(r_1, r_2, … | strengths) up to a constant, w integrated out."""
    precision = np.diag(1 / variance) + sum(term.precision for term in terms)
    onto = expected / variance + sum(term.onto for term in terms)
    factor = np.linalg.cholesky(precision)
    white = np.linalg.solve(factor, onto)
    squares = (
        sum(term.square for term in terms) + float(expected**2 @ (1 / variance)) - white @ white
    )
    determinants = sum(term.log_determinant for term in terms) + np.log(variance).sum()
    return float(-0.5 * (squares + determinants) - np.log(np.diag(factor)).sum())


def prior_variance(shared: float, signals: int) -> Float64[ndarray, " signal"]:
    """T (diagonal): a fixed variance for the ability's correction, τ² for every other signal."""
    return np.array([ABILITY_VARIANCE] + [shared] * (signals - 1))


def learned_strengths(folds: Sequence[Fold], expected: Float64[ndarray, " signal"]) -> Strengths:
    """Strengths that maximize evidence times a log-normal prior; the prior's mode without folds."""

    def loss(logs: Float64[ndarray, " strength"]) -> float:
        strengths = strengths_from(logs)
        terms = [terms_of(fold, strengths) for fold in folds]
        variance = prior_variance(strengths.shared, len(expected))
        penalty = float((((logs - TYPICAL) / LOOSE) ** 2).sum())
        return 0.5 * penalty - log_evidence(terms, expected, variance)

    if not folds:
        return strengths_from(TYPICAL)
    bounds = [(log - FARTHEST_DOWN, log + FARTHEST_UP) for log in TYPICAL]
    optimum = minimize(loss, TYPICAL, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS})
    return strengths_from(optimum.x)


def strengths_from(logs: Float64[ndarray, " strength"]) -> Strengths:
    """The four kinds of variances, from their logarithms."""
    values = np.exp(logs)
    return Strengths(values[:FAMILIES], *(float(variance) for variance in values[FAMILIES:]))


def usable(z: Float64[ndarray, " model"]) -> bool:
    """Whether a column can be a fold: at least three known values that are not all equal."""
    known_values = z[~np.isnan(z)]
    return len(known_values) >= FEWEST_KNOWN and bool(known_values.std() > 0)
