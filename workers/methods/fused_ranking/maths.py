"""The equations: columns on one scale, the static list, learned weights, conditioning, decisions.

Axes: ``model`` a network, ``dataset`` one of the history, ``signal`` something that may predict,
``feature`` one direction in which residuals correlate, ``run`` a model measured on the target,
``draw`` one sample of the posterior.
"""

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from scipy.stats import weightedtau

NORMAL_QUARTILES = 1.349
LOWEST, HIGHEST = -2.5, 4.0
FEWEST_PAIRS = 3


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


def static_merits(
    z: Float64[ndarray, "model dataset"], accuracies: Float64[ndarray, "model dataset"]
) -> Float64[ndarray, " dataset"]:
    """Weighted Kendall tau on each dataset of the static list of the others; 0 if undefined."""
    taus = np.zeros(z.shape[1])
    for dataset in range(z.shape[1]):
        others_list = static_list(np.delete(z, dataset, axis=1))
        is_known = ~np.isnan(others_list) & ~np.isnan(accuracies[:, dataset])
        if len(set(accuracies[is_known, dataset])) > 1 and len(set(others_list[is_known])) > 1:
            taus[dataset] = weightedtau(
                accuracies[is_known, dataset], others_list[is_known]
            ).statistic
    return taus


def clearly_better(
    merits: Float64[ndarray, " dataset"], others: Float64[ndarray, " dataset"]
) -> bool:
    """Whether the mean difference exceeds three standard errors of the paired differences."""
    gains = merits - others
    if len(gains) < FEWEST_PAIRS:
        return False
    return bool(gains.mean() > 3 * gains.std(ddof=1) / np.sqrt(len(gains)) and gains.mean() > 0)


def middle_and_spread(values: Float64[ndarray, " model"]) -> tuple[float, float]:
    """Median and interquartile range over 1.349; the deviation if quartiles nearly coincide."""
    known_values = values[~np.isnan(values)]
    if not len(known_values):
        return 0.0, 0.0
    low, middle, high = np.quantile(known_values, [0.25, 0.5, 0.75])
    spread, deviation = float(high - low) / NORMAL_QUARTILES, float(known_values.std())
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


def conditioned(
    mean: Float64[ndarray, " model"],
    across: Float64[ndarray, "model run"],
    within: Float64[ndarray, "run run"],
    residual: Float64[ndarray, " run"],
) -> Float64[ndarray, " model"]:
    """Posterior mean m + K_s (K_ss + σ²I)⁻¹ (y − m_s); Rasmussen & Williams 2006, equation 2.38.

    ``within`` is K_ss + σ²I and ``residual`` y − m_s. With a draw of the prior instead of m,
    the same line gives a draw of the posterior (Matheron's rule; Wilson et al., ICML 2020).
    """
    return np.asarray(mean + across @ np.linalg.solve(within, residual))


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
