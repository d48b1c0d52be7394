"""Slow, plain twins of the mathematics of responses and concept searches."""

import math
from collections.abc import Sequence

Rows = Sequence[Sequence[float]]


def log_odds(row: Sequence[float], unit: int) -> float:
    """The logarithm of p/(1 - p) from exponentials, one by one."""
    others = sum(math.exp(value) for index, value in enumerate(row) if index != unit)
    return math.log(math.exp(row[unit]) / others)


def auc(
    responses: Sequence[float], positives: Sequence[float], negatives: Sequence[float]
) -> float:
    """The sum over all pairs of a positive and a negative; a tie counts half."""
    total = 0.0
    for left, positive in zip(responses, positives, strict=True):
        for right, negative in zip(responses, negatives, strict=True):
            total += positive * negative * ((left > right) + 0.5 * (left == right))
    return total


def cosine(left: Sequence[float], right: Sequence[float]) -> float:
    dot = sum(a * b for a, b in zip(left, right, strict=True))
    return dot / math.sqrt(sum(a * a for a in left) * sum(b * b for b in right))


def nearest(image: Sequence[float], probes: Rows, neighbors: int) -> set[int]:
    """Positions of the probes with the greatest cosine."""
    order = sorted(range(len(probes)), key=lambda index: -cosine(image, probes[index]))
    return set(order[:neighbors])


def is_inside(area: float, measured: float, positives: float, negatives: float) -> bool:
    """Whether an area is in Newcombe's interval, method 5, at 80 %."""
    half = (positives + negatives) / 2 - 1
    spread = 1 + half * ((1 - area) / (2 - area) + area / (1 + area))
    variance = area * (1 - area) * spread / (positives * negatives)
    return abs(area - measured) <= 1.2815515655446004 * math.sqrt(variance)
