"""Slow plain twin of the intervals: redraw the probes, rank again, look at the percentiles."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

Square = NDArray[np.float64]


def redrawn_scores(
    cosines: NDArray[np.float64],
    edges: tuple[Square, Square],
    *,
    edge_weight: float,
    replicates: int,
    seed: int,
) -> NDArray[np.float64]:
    """s_V + λ s_E on probes drawn with replacement; edges of a probe with itself are left out.

    ``cosines`` holds cos(A_i^p, A_j^p) of every probe, ``edges`` both networks' edge values as
    full matrices.
    """
    rng = np.random.default_rng(seed)
    count = len(cosines)
    rows, columns = np.triu_indices(count, 1)
    scores = []
    for _ in range(replicates):
        drawn = rng.integers(count, size=count)
        p, q = drawn[rows], drawn[columns]
        different = p != q
        left, right = (square[p[different], q[different]] for square in edges)
        scores.append(cosines[drawn].mean() + edge_weight * spearmanr(left, right).statistic)
    return np.array(scores)


def percentile_interval(scores: NDArray[np.float64]) -> tuple[float, float]:
    """The middle 90 % of the redrawn scores."""
    low, high = np.percentile(scores, [5, 95])
    return float(low), float(high)
