"""Similarities of two networks' features that DEPARA is compared with, one function each.

Axes: ``probe`` one image, ``unit`` one number of the feature, ``edge`` one pair of probes.
"""

import numpy as np
from jaxtyping import Float, Float64
from scipy.stats import spearmanr

_TINY = 1e-12


def linear_cka(
    left: Float[np.ndarray, "probe unit"], right: Float[np.ndarray, "probe unit2"]
) -> float:
    """‖XᵀY‖² / (‖XᵀX‖ ‖YᵀY‖) of features centered over the probes.

    Source: Kornblith et al., Similarity of Neural Network Representations Revisited, ICML 2019.
    """
    first, second = (_gram(one - one.mean(axis=0)) for one in (left, right))
    return _cosine(first, second)


def rsa(left: Float[np.ndarray, "probe unit"], right: Float[np.ndarray, "probe unit2"]) -> float:
    """Spearman's correlation of 1 − Pearson between every two probes.

    Source: Dwivedi and Roig, Representation Similarity Analysis for Efficient Task Taxonomy,
    CVPR 2019.
    """
    first, second = (_upper(np.corrcoef(one)) for one in (left, right))
    return float(spearmanr(first, second).statistic)


def dds(left: Float[np.ndarray, "probe unit"], right: Float[np.ndarray, "probe unit2"]) -> float:
    """Duality diagram similarity, f = cosine, every unit z-scored over the probes.

    The matrices of 1 − cosine are centered without bias (Székely and Rizzo 2014), then compared by
    the cosine of their entries.

    Source: Dwivedi et al., Duality Diagram Similarity, ECCV 2020, sections 3 and 5, and its
    released code for the centering.
    """
    first, second = (unbiased_centred(1 - _cosines(z_scored(one))) for one in (left, right))
    return _cosine(first, second)


def z_scored(features: Float[np.ndarray, "probe unit"]) -> Float64[np.ndarray, "probe unit"]:
    """Every unit less its mean, over its deviation; units that never change become 0."""
    deviation = features.std(axis=0)
    divisor = np.where(deviation > _TINY, deviation, np.inf)
    scored: Float64[np.ndarray, "probe unit"] = (features - features.mean(axis=0)) / divisor
    return scored


def unbiased_centred(square: Float64[np.ndarray, "n n"]) -> Float64[np.ndarray, "n n"]:
    """A_pq − Σ_p/(n−2) − Σ_q/(n−2) + Σ/((n−1)(n−2)) off the diagonal, which is 0."""
    count = len(square)
    off = square - np.diag(square.diagonal())
    sums = off.sum(axis=0) / (count - 2)
    found: Float64[np.ndarray, "n n"] = (
        off - sums[:, None] - sums[None, :] + off.sum() / ((count - 1) * (count - 2))
    )
    np.fill_diagonal(found, 0.0)
    return found


def _cosines(features: Float64[np.ndarray, "probe unit"]) -> Float64[np.ndarray, "n n"]:
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    return _gram(features / np.maximum(norms, _TINY))


def _gram(rows: Float[np.ndarray, "probe unit"]) -> Float64[np.ndarray, "n n"]:
    values = rows.astype(np.float64)
    return values @ values.T


def _upper(square: Float64[np.ndarray, "n n"]) -> Float64[np.ndarray, " edge"]:
    return square[np.triu_indices(len(square), 1)]


def _cosine(left: Float64[np.ndarray, "n n"], right: Float64[np.ndarray, "n n"]) -> float:
    return float((left * right).sum() / (np.linalg.norm(left) * np.linalg.norm(right)))
