"""Slow plain twins of DEPARA's equations: one probe, one edge, one rank at a time."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.linalg import sqrtm

Vector = Sequence[float]


def cosine(left: Vector, right: Vector) -> float:
    """⟨a, b⟩ / (‖a‖ ‖b‖)."""
    product = sum(a * b for a, b in zip(left, right, strict=True))
    return product / (math.hypot(*left) * math.hypot(*right))


def edges(features: Sequence[Vector]) -> list[float]:
    """e_pq = cos(F_p, F_q) for p < q, row by row."""
    count = len(features)
    return [cosine(features[p], features[q]) for p in range(count) for q in range(p + 1, count)]


def centered(features: Sequence[Vector]) -> list[list[float]]:
    """Features less their mean over probes."""
    means = [sum(column) / len(features) for column in zip(*features, strict=True)]
    return [[value - mean for value, mean in zip(row, means, strict=True)] for row in features]


def flattened(gram: Sequence[Vector]) -> list[list[float]]:
    """The fourth root of a positive definite matrix: the square root, twice, by Schur's method."""
    root = sqrtm(sqrtm(np.array(gram)))
    return [[float(value) for value in row] for row in root]


def midranks(values: Vector) -> list[float]:
    """1 + the number of smaller values + half the number of other equal ones."""
    return [
        1 + sum(other < value for other in values) + (sum(o == value for o in values) - 1) / 2
        for value in values
    ]


def ordinal_ranks(values: Vector) -> list[float]:
    """1 + the number of values that a stable sort puts before."""
    return [
        1.0 + sum(other < value or (other == value and q < p) for q, other in enumerate(values))
        for p, value in enumerate(values)
    ]


def pearson(left: Vector, right: Vector) -> float:
    """Correlation of two lists."""
    return cosine(*([x - sum(side) / len(side) for x in side] for side in (left, right)))


def printed_edge_similarity(left: Vector, right: Vector) -> float:
    """1 − 6 Σ d² / (m³ − m) of two lists of ranks."""
    count = len(left)
    squares = sum((a - b) ** 2 for a, b in zip(left, right, strict=True))
    return 1 - 6 * squares / (count**3 - count)


def node_similarity(left: Sequence[Vector], right: Sequence[Vector]) -> float:
    """Mean over probes of cos(A_i^p, A_j^p)."""
    cosines = [cosine(a, b) for a, b in zip(left, right, strict=True)]
    return sum(cosines) / len(cosines)
