"""The equations of ``class_regularization`` with loops over plain lists."""

import math
from collections.abc import Sequence

Vector = Sequence[float]


def code(features: Vector, weight: Sequence[Vector], bias: Vector) -> list[float]:
    """Softmax of the encoder."""
    scores = [
        sum(w * z for w, z in zip(row, features, strict=True)) + b
        for row, b in zip(weight, bias, strict=True)
    ]
    powers = [math.exp(score) for score in scores]
    return [power / sum(powers) for power in powers]


def decoded(shares: Vector, basis: Sequence[Vector]) -> list[float]:
    """The mixed basis."""
    units = range(len(basis[0]))
    return [sum(s * row[u] for s, row in zip(shares, basis, strict=True)) for u in units]


def mean(vectors: Sequence[Vector]) -> list[float]:
    """Mean vector."""
    return [sum(column) / len(vectors) for column in zip(*vectors, strict=True)]


def descriptor(
    support: Sequence[Vector],
    weight: Sequence[Vector],
    bias: Vector,
    basis: Sequence[Vector],
    prior: float,
) -> list[float]:
    """The mean of one class, moved towards the mean of what was decoded."""
    share = prior / (prior + len(support))
    center = mean(support)
    recalled = mean([decoded(code(features, weight, bias), basis) for features in support])
    return [(1 - share) * m + share * c for m, c in zip(center, recalled, strict=True)]


def squared_distance(left: Vector, right: Vector) -> float:
    """Squared Euclidean distance."""
    return sum((a - b) ** 2 for a, b in zip(left, right, strict=True))


def cross_entropy(scores: Vector, truth: int) -> float:
    """Negative logarithm of the softmax at ``truth``."""
    return math.log(sum(math.exp(score) for score in scores)) - scores[truth]


def meta_shift(descriptors: Sequence[Sequence[Vector]]) -> float:
    """Spread within classes over spread between them."""
    centers = [mean(draws) for draws in descriptors]
    middle = mean(centers)
    within = [
        squared_distance(draw, center)
        for draws, center in zip(descriptors, centers, strict=True)
        for draw in draws
    ]
    between = [squared_distance(center, middle) for center in centers]
    return (sum(within) / len(within)) / (sum(between) / len(between))


def half_width(values: Vector) -> float:
    """1.96 standard errors."""
    middle = sum(values) / len(values)
    variance = sum((value - middle) ** 2 for value in values) / (len(values) - 1)
    return 1.96 * math.sqrt(variance / len(values))
