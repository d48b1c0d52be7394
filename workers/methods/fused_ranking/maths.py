"""The equations: columns on one scale, the static list, learned weights, conditioning, decisions.

Axes: ``model`` a network, ``dataset`` one of the history, ``signal`` something that may predict,
``feature`` one direction in which residuals correlate, ``run`` a model measured on the target,
``draw`` one sample of the posterior.
"""

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from scipy.special import ndtr, ndtri

NORMAL_QUARTILES, NORMAL_TOP = 1.349, 1.2816
SMOOTHING = 0.1
MOST_COMPARED = 256
LOWEST, HIGHEST = -2.5, 4.0
FEWEST_PAIRS = 3
FEWEST_COMPARED = 2
ROOT_2PI = np.sqrt(2 * np.pi)


def soft_limited(x: Float64[ndarray, "*any"]) -> Float64[ndarray, "*any"]:
    """The value between −2.5 and 4; beyond these limits, the limit ±ln(1 + excess).

    How badly a failed run fails says little, so its distance must not dominate.
    """
    low = LOWEST - np.log1p(np.maximum(LOWEST - x, 0.0))
    high = HIGHEST + np.log1p(np.maximum(x - HIGHEST, 0.0))
    return np.where(x < LOWEST, low, np.where(x > HIGHEST, high, x))


def standardized(values: Float64[ndarray, "model dataset"]) -> Float64[ndarray, "model dataset"]:
    """Every column minus its mean, over its standard deviation; NaN stays, constant columns are 0."""
    is_known = ~np.isnan(values)
    count = np.maximum(is_known.sum(axis=0), 1)
    filled = np.where(is_known, values, 0.0)
    centered = np.where(is_known, values - filled.sum(axis=0) / count, 0.0)
    spread = np.sqrt((centered**2).sum(axis=0) / count)
    scale = np.where(spread > 1e-9 * (1 + np.abs(filled).max(axis=0, initial=0)), spread, np.inf)
    return np.where(is_known, centered / scale, np.nan)


def static_list(z: Float64[ndarray, "model dataset"]) -> Float64[ndarray, " model"]:
    """Mean standardized accuracy over the datasets where it is known; NaN if none is."""
    is_known = ~np.isnan(z)
    count = is_known.sum(axis=1)
    total = np.where(is_known, z, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def normal_scores(values: Float64[ndarray, " model"]) -> Float64[ndarray, " model"]:
    """Normal scores Φ⁻¹(u) of a column; u is the smoothed share of values below, so ties share it.

    u = mean over the column of Φ((value − other) / h). The width h is a tenth of the spread, so
    differences that measurement noise explains do not count; NaN stays, constant columns are 0.
    """
    is_known = ~np.isnan(values)
    known_values = values[is_known]
    spread = middle_and_spread(known_values)[1]
    if spread <= 1e-9 * (1 + float(np.abs(known_values).max(initial=0))):
        return np.where(is_known, 0.0, np.nan)
    count = min(len(known_values), MOST_COMPARED)
    others = np.quantile(known_values, (np.arange(count) + 0.5) / count, method="hazen")
    gaps = (known_values[:, None] - others) / (SMOOTHING * spread)
    scores = np.full(len(values), np.nan)
    scores[is_known] = ndtri(ndtr(gaps).mean(axis=1))
    return scores


def clearly_harmful(gains: Float64[ndarray, " dataset"]) -> bool:
    """Whether the mean of paired gains is more than two standard errors below zero."""
    if len(gains) < FEWEST_PAIRS:
        return False
    return bool(gains.mean() < -2 * gains.std(ddof=1) / np.sqrt(len(gains)) - 1e-12)


def middle_and_spread(values: Float64[ndarray, " model"]) -> tuple[float, float]:
    """Median and spread: the larger of interquartile range / 1.349 and (90 % − 50 %) / 1.282.

    Where most runs of a column failed, its quartiles coincide and the upper half has the scale.
    The deviation replaces a spread of nearly zero.
    """
    known_values = values[~np.isnan(values)]
    if not len(known_values):
        return 0.0, 0.0
    low, middle, high, top = np.quantile(known_values, [0.25, 0.5, 0.75, 0.9])
    spread = max(float(high - low) / NORMAL_QUARTILES, float(top - middle) / NORMAL_TOP)
    deviation = float(known_values.std())
    return float(middle), spread if spread > 0.02 * deviation else deviation


def ability(
    z: Float64[ndarray, "model dataset"],
) -> tuple[Float64[ndarray, " model"], Float64[ndarray, " model"]]:
    """Shrunken static ability and its variance, in units of one dataset's variance.

    n/(n + k) times the mean, and 1/(n + k), for n known datasets; k is the variance within
    models over the variance between them, by moments, kept between 0.1 and 10.
    """
    is_known = ~np.isnan(z)
    count = is_known.sum(axis=1)
    mean = np.nan_to_num(static_list(z))
    freedom = np.maximum(count - 1, 0).sum()
    within = (
        float((np.where(is_known, z - mean[:, None], 0.0) ** 2).sum() / freedom)
        if freedom
        else 0.5
    )
    rows = count > 0
    between = float(mean[rows].var() - (within / count[rows]).mean()) if rows.any() else 0.5
    ratio = float(np.clip(within / max(between, 1e-3), 0.1, 10.0))
    return mean * count / (count + ratio), 1.0 / (count + ratio)


def squared_exponential(points: Float64[ndarray, "model axis"], others: Float64[ndarray, "other axis"], *, width: float) -> Float64[ndarray, "model other"]:  # fmt: skip
    """exp(−|p − q|² / 2ℓ²): similar profiles predict similar residuals. Rasmussen & Williams 4.9."""
    squares = (points**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * points @ others.T
    return np.asarray(np.exp(-np.maximum(squares, 0.0) / (2 * width**2)))


def low_rank(
    between: Float64[ndarray, "model landmark"],
    within: Float64[ndarray, "landmark landmark"],
    *,
    rank: int,
) -> Float64[ndarray, "model feature"]:
    """Features F with F Fᵀ ≈ K: K_nl V Λ^−½ of the largest eigenvalues (Nyström; R & W 8.3)."""
    values, vectors = np.linalg.eigh(within)
    values, vectors = values[::-1][:rank], vectors[:, ::-1][:, :rank]
    positive = values > 1e-4 * max(values[0], 1e-12)
    return np.asarray(between @ (vectors[:, positive] / np.sqrt(values[positive])))


def gain(
    across: Float64[ndarray, "model run"], within: Float64[ndarray, "run run"]
) -> Float64[ndarray, "model run"]:
    """G = K_s (K_ss + σ²I)⁻¹; Rasmussen & Williams 2006, equations 2.38 and 2.39.

    ``within`` is K_ss + σ²I. The posterior mean is m + G (y − m_s) and its covariance
    K − G K_sᵀ. With a draw of the prior instead of m, and noise added to y, the first line gives
    a draw of the posterior (Matheron's rule; Wilson et al., ICML 2020).
    """
    return np.asarray(np.linalg.solve(within, across.T).T)


def gaussian_log_density(
    residual: Float64[ndarray, " run"], covariance: Float64[ndarray, "run run"]
) -> float:
    """Log density ln N(residual; 0, covariance)."""
    factor = np.linalg.cholesky(covariance)
    whitened = np.linalg.solve(factor, residual)
    count = len(residual)
    return float(
        -0.5 * whitened @ whitened
        - np.log(np.diag(factor)).sum()
        - 0.5 * count * np.log(2 * np.pi)
    )


def values_of_measuring(
    mean: Float64[ndarray, " model"],
    success: Float64[ndarray, " model"],
    learned_mean: Float64[ndarray, " model"],
    deviation: Float64[ndarray, " model"],
) -> Float64[ndarray, " model"]:
    """E[max(f, b)] − max mean for each model: what an exact run adds to the best choice.

    b is the highest mean of the other models; a run that fails leaves b. Knowledge gradient of
    Frazier, Powell & Dayanik 2008 with exact runs that inform about their own model only:
    p d (u Φ(u) + φ(u)) + b − max mean, u = (m − b)/d, p the chance of success.
    """
    if len(mean) < FEWEST_COMPARED:
        return np.zeros(len(mean))
    second, first = np.sort(mean)[-2:]
    other = np.where(np.arange(len(mean)) == np.argmax(mean), second, first)
    width = np.maximum(deviation, 1e-12)
    u = (learned_mean - other) / width
    gain = width * (u * ndtr(u) + np.exp(-(u**2) / 2) / ROOT_2PI)
    return np.asarray(success * gain + other - first)


def best_shares(draws: Float64[ndarray, "draw model"]) -> Float64[ndarray, " model"]:
    """P(best): share of draws in which each model is the highest; ties are split equally."""
    top = draws == draws.max(axis=1, keepdims=True)
    return np.asarray((top / top.sum(axis=1, keepdims=True)).mean(axis=0))


def expected_regrets(draws: Float64[ndarray, "draw model"]) -> Float64[ndarray, " model"]:
    """E[max − own]: expected loss of choosing each model instead of the best of each draw."""
    return np.asarray(draws.max(axis=1).mean() - draws.mean(axis=0))


def smallest_set(
    p_best: Float64[ndarray, " model"], *, coverage: float
) -> Int64[ndarray, " kept"]:
    """The fewest models whose P(best) sum to the coverage, most probable first."""
    order = np.argsort(-p_best, kind="stable")
    enough = np.cumsum(p_best[order]) >= coverage - 1e-12
    return order[: int(np.argmax(enough)) + 1] if enough.any() else order
