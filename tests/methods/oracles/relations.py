"""Slow plain twins of RSA, DDS and linear CKA, and of their intervals: redraw the probes, start over."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

Features = NDArray[np.float64]
Measure = Callable[[Features, Features], float]


def rsa(left: Features, right: Features) -> float:
    """Spearman's correlation of 1 − Pearson over the pairs of different probes."""
    return float(spearmanr(_dissimilarities(left), _dissimilarities(right)).statistic)


def _dissimilarities(features: Features) -> list[float]:
    correlations = np.atleast_2d(np.corrcoef(features))
    count = len(features)
    return [1 - correlations[p, q] for p in range(count) for q in range(p)]


def dds(left: Features, right: Features) -> float:
    """Cosine of the U-centered matrices of 1 − cosine, every unit z-scored over the probes."""
    first, second = (u_centered(distances_of(z_scored(features))) for features in (left, right))
    return _cosine(first, second)


def z_scored(features: Features) -> Features:
    """Every unit less its mean, over its deviation."""
    scored: Features = (features - features.mean(axis=0)) / features.std(axis=0)
    return scored


def distances_of(features: Features) -> Features:
    """1 − cosine of every two probes."""
    units = [row / np.linalg.norm(row) for row in features]
    return np.array([[1 - left @ right for right in units] for left in units])


def u_centered(distances: Features) -> Features:
    """Székely and Rizzo 2014, definition 2, entry by entry."""
    count = len(distances)
    centered = np.zeros((count, count))
    others = distances - np.diag(distances.diagonal())
    sums = [row.sum() / (count - 2) for row in others]
    total = others.sum() / ((count - 1) * (count - 2))
    for p in range(count):
        for q in range(count):
            if p != q:
                centered[p, q] = distances[p, q] - sums[p] - sums[q] + total
    return centered


def linear_cka(left: Features, right: Features) -> float:
    """‖XᵀY‖² / (‖XᵀX‖ ‖YᵀY‖) of features less their means."""
    first, second = (features - features.mean(axis=0) for features in (left, right))
    shared = np.linalg.norm(first.T @ second) ** 2
    return float(shared / (np.linalg.norm(first.T @ first) * np.linalg.norm(second.T @ second)))


def _cosine(left: Features, right: Features) -> float:
    return float((left * right).sum() / (np.linalg.norm(left) * np.linalg.norm(right)))


MEASURES: dict[str, Measure] = {"rsa": rsa, "dds": dds, "linear_cka": linear_cka}


def fresh_scores(
    features: tuple[Features, Features],
    measure: Measure,
    *,
    probes: int,
    samples: int,
    seed: int,
) -> NDArray[np.float64]:
    """The measure on samples of different probes, drawn from a large set: how far it really moves."""
    rng = np.random.default_rng(seed)
    draws = (rng.choice(len(features[0]), size=probes, replace=False) for _ in range(samples))
    return np.array([measure(*(side[drawn] for side in features)) for drawn in draws])
