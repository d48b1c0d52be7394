"""How good a ranking of sources is, given the true ranking.

Source: Song et al., NeurIPS 2019 and CVPR 2020: precision and recall at K against the five best sources of every target.

Axes: ``target`` one task to serve, ``source`` one candidate, ``rank`` K − 1. ``self_columns`` are the
columns of the targets among the sources, −1 for a target that is not a source.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from scipy.stats import spearmanr

RELEVANT = 5


@dataclass(frozen=True)
class Retrieval:
    """Relevant sources among the first K, summed over targets, with precision and recall."""

    hits: Int64[np.ndarray, " rank"]
    precision: Float64[np.ndarray, " rank"]
    recall: Float64[np.ndarray, " rank"]


def orders(
    scores: Float64[np.ndarray, "target source"], self_columns: Int64[np.ndarray, " target"]
) -> Int64[np.ndarray, "target rank"]:
    """Sources of every target, best first, without the target itself.

    Ties keep the order of the columns. Either every target is a source or none is.
    """
    count = scores.shape[1] - int((self_columns >= 0).any())
    rows = []
    for row, self_column in zip(scores, self_columns, strict=True):
        order = np.argsort(-row, kind="stable")
        rows.append(order[order != self_column][:count])
    return np.stack(rows).astype(np.int64)


def retrieval(
    ranked: Int64[np.ndarray, "target rank"], truth: Int64[np.ndarray, "target rank"]
) -> Retrieval:
    """Precision and recall at every K against the first five true sources.

    hits(K) = Σ_targets |top-K ∩ relevant|; P@K = hits/(T·K); R@K = hits/(T·5).
    """
    targets, count = ranked.shape
    relevant = truth[:, :RELEVANT]
    is_hit = (ranked[:, :, None] == relevant[:, None, :]).any(axis=2)
    hits = is_hit.cumsum(axis=1).sum(axis=0).astype(np.int64)
    ranks = np.arange(1, count + 1)
    return Retrieval(hits, hits / (targets * ranks), hits / (targets * relevant.shape[1]))


def random_precision(sources: int) -> Float64[np.ndarray, " rank"]:
    """P@K of a random order: 5/N for every K."""
    return np.full(sources, RELEVANT / sources)


def random_recall(sources: int) -> Float64[np.ndarray, " rank"]:
    """R@K of a random order: K/N. The paper's plot shows P@K here by mistake."""
    return np.arange(1, sources + 1) / sources


def oracle_precision(sources: int) -> Float64[np.ndarray, " rank"]:
    """P@K of a perfect order: min(1, 5/K)."""
    return np.minimum(1.0, RELEVANT / np.arange(1, sources + 1))


def mean_column_spearman(
    similarity: Float64[np.ndarray, "source target"],
    affinity: Float64[np.ndarray, "source target"],
) -> float:
    """Spearman's correlation of sources, averaged over targets.

    Source: Dwivedi et al., ECCV 2020 (duality diagram similarity).
    """
    columns = [
        spearmanr(source_similarity, source_affinity).statistic
        for source_similarity, source_affinity in zip(similarity.T, affinity.T, strict=True)
    ]
    return float(np.mean(columns))


def regret_at_one(
    scores: Float64[np.ndarray, "target source"],
    gains: Float64[np.ndarray, "target source"],
    self_columns: Int64[np.ndarray, " target"],
) -> float:
    """Mean regret of the first recommendation: best gain minus the gain of the first source."""
    first, best = (orders(table, self_columns)[:, 0] for table in (scores, gains))
    rows = np.arange(len(gains))
    return float((gains[rows, best] - gains[rows, first]).mean())


def argmax_regret(
    scores: Float64[np.ndarray, " layer"], gains: Float64[np.ndarray, " layer"]
) -> float:
    """Regret of the highest-scored layer (the deepest of equals): best gain minus its gain.

    Axes: ``layer`` one candidate of a network, from the input on.
    """
    chosen = len(scores) - 1 - int(np.argmax(scores[::-1]))
    return float(gains.max() - gains[chosen])
