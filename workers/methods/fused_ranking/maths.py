"""The equations: columns on one scale, the static list, learned weights, conditioning, decisions.

Axes: ``model`` a network, ``dataset`` one of the history, ``signal`` something that may predict,
``feature`` one direction in which residuals agree, ``seen`` a model measured on the target,
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
    """The value itself between −2.5 and 4, beyond them ±ln(1 + excess): a failed run says "bad", not how bad."""
    low = LOWEST - np.log1p(np.maximum(LOWEST - x, 0.0))
    high = HIGHEST + np.log1p(np.maximum(x - HIGHEST, 0.0))
    return np.where(x < LOWEST, low, np.where(x > HIGHEST, high, x))


def standardized(values: Float64[ndarray, "model dataset"]) -> Float64[ndarray, "model dataset"]:
    """Every column minus its mean, over its standard deviation; NaN stays, a constant column is 0."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, values, 0.0)
    centered = np.where(known, values - filled.sum(axis=0) / count, 0.0)
    spread = np.sqrt((centered**2).sum(axis=0) / count)
    scale = np.where(spread > 1e-9 * (1 + np.abs(filled).max(axis=0, initial=0)), spread, np.inf)
    return np.where(known, centered / scale, np.nan)


def static_list(z: Float64[ndarray, "model dataset"]) -> Float64[ndarray, " model"]:
    """Mean standardized accuracy over the datasets where it is known; NaN where none is."""
    known = ~np.isnan(z)
    count = known.sum(axis=1)
    total = np.where(known, z, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def static_merits(
    z: Float64[ndarray, "model dataset"], accuracies: Float64[ndarray, "model dataset"]
) -> Float64[ndarray, " dataset"]:
    """Weighted Kendall tau of the static list on each dataset, that one left out; 0 if undefined."""
    taus = np.zeros(z.shape[1])
    for at in range(z.shape[1]):
        rest = static_list(np.delete(z, at, axis=1))
        both = ~np.isnan(rest) & ~np.isnan(accuracies[:, at])
        if len(set(accuracies[both, at])) > 1 and len(set(rest[both])) > 1:
            taus[at] = weightedtau(accuracies[both, at], rest[both]).statistic
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
    """Median, and quartile distance over 1.349; the deviation where quartiles nearly coincide."""
    known = values[~np.isnan(values)]
    if not len(known):
        return 0.0, 0.0
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    spread, deviation = float(high - low) / NORMAL_QUARTILES, float(known.std())
    return float(middle), spread if spread > 0.02 * deviation else deviation


def ability(
    z: Float64[ndarray, "model dataset"],
) -> tuple[Float64[ndarray, " model"], Float64[ndarray, " model"]]:
    """Shrunken static ability, and how uncertain it is, in units of one dataset's variance.

    n/(n + k) times the mean, and 1/(n + k), for n known datasets; k is the variance within
    models over the variance between them, by moments, kept between 0.1 and 10.
    """
    known = ~np.isnan(z)
    count = known.sum(axis=1)
    mean = np.nan_to_num(static_list(z))
    freedom = np.maximum(count - 1, 0).sum()
    within = (
        float((np.where(known, z - mean[:, None], 0.0) ** 2).sum() / freedom) if freedom else 0.5
    )
    rows = count > 0
    between = float(mean[rows].var() - (within / count[rows]).mean()) if rows.any() else 0.5
    ratio = float(np.clip(within / max(between, 1e-3), 0.1, 10.0))
    return mean * count / (count + ratio), 1.0 / (count + ratio)


def likeness(points: Float64[ndarray, "model axis"], others: Float64[ndarray, "other axis"], *, width: float) -> Float64[ndarray, "model other"]:  # fmt: skip
    """exp(−|p − q|² / 2ℓ²): models with like profiles behave alike. Rasmussen & Williams 4.9."""
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
    kept = values > 1e-4 * max(values[0], 1e-12)
    return np.asarray(between @ (vectors[:, kept] / np.sqrt(values[kept])))


def conditioned(
    mean: Float64[ndarray, " model"],
    across: Float64[ndarray, "model seen"],
    within: Float64[ndarray, "seen seen"],
    surprise: Float64[ndarray, " seen"],
) -> Float64[ndarray, " model"]:
    """Posterior mean m + K_s (K_ss + σ²I)⁻¹ (y − m_s); Rasmussen & Williams 2006, equation 2.38.

    ``within`` holds K_ss + σ²I, ``surprise`` y − m_s. For a draw of the prior in the place of m
    the same line gives a draw of the posterior (Matheron's rule; Wilson et al., ICML 2020).
    """
    return np.asarray(mean + across @ np.linalg.solve(within, surprise))


def gaussian_log_density(
    surprise: Float64[ndarray, " seen"], covariance: Float64[ndarray, "seen seen"]
) -> float:
    """Log density ln N(surprise; 0, covariance)."""
    factor = np.linalg.cholesky(covariance)
    white = np.linalg.solve(factor, surprise)
    count = len(surprise)
    return float(
        -0.5 * white @ white - np.log(np.diag(factor)).sum() - 0.5 * count * np.log(2 * np.pi)
    )


def best_shares(draws: Float64[ndarray, "draw model"]) -> Float64[ndarray, " model"]:
    """P(best): share of draws in which each model is the highest; ties are shared."""
    top = draws == draws.max(axis=1, keepdims=True)
    return np.asarray((top / top.sum(axis=1, keepdims=True)).mean(axis=0))


def expected_regrets(draws: Float64[ndarray, "draw model"]) -> Float64[ndarray, " model"]:
    """E[max − own]: what choosing each model loses on average against the best of its draw."""
    return np.asarray(draws.max(axis=1).mean() - draws.mean(axis=0))


def smallest_set(
    p_best: Float64[ndarray, " model"], *, coverage: float
) -> Int64[ndarray, " kept"]:
    """Fewest models whose P(best) add up to the coverage, the likeliest first."""
    order = np.argsort(-p_best, kind="stable")
    enough = np.cumsum(p_best[order]) >= coverage - 1e-12
    return order[: int(np.argmax(enough)) + 1] if enough.any() else order
