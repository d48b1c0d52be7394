"""Columns on one scale, the static list, and the conditioning of a Gaussian."""

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray

SMALLEST_SPREAD = 1e-9


def standardised(values: Float64[ndarray, "model dataset"]) -> Float64[ndarray, "model dataset"]:
    """Every column minus its mean, over its standard deviation; NaN stays, a constant column is 0."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, values, 0.0)
    centred = np.where(known, values - filled.sum(axis=0) / count, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / count)
    scale = np.where(spread > SMALLEST_SPREAD * (1 + np.abs(filled).max(axis=0)), spread, np.inf)
    return np.where(known, centred / scale, np.nan)


def static_list(z: Float64[ndarray, "model dataset"]) -> Float64[ndarray, " model"]:
    """Mean standardised accuracy over the datasets where it is known; NaN where none is."""
    known = ~np.isnan(z)
    count = known.sum(axis=1)
    total = np.where(known, z, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def conditioned(
    mean: Float64[ndarray, " model"],
    covariance: Float64[ndarray, "model model"],
    seen: Bool[ndarray, " model"],
    values: Float64[ndarray, " model"],
    *,
    noise: float,
) -> tuple[Float64[ndarray, " model"], Float64[ndarray, "model model"]]:
    """Posterior mean and covariance after noisy values of the seen entries.

    m + K_s (K_ss + σ²I)⁻¹ (y − m_s) and K − K_s (K_ss + σ²I)⁻¹ K_sᵀ; Rasmussen & Williams 2006,
    equations 2.23 and 2.24.
    """
    if not seen.any():
        return mean, covariance
    between = covariance[:, seen]
    inner = covariance[np.ix_(seen, seen)] + noise**2 * np.eye(int(seen.sum()))
    gain = np.linalg.solve(inner, between.T).T
    return mean + gain @ (values[seen] - mean[seen]), covariance - gain @ between.T
