"""Slow plain twins of the parts of an amalgamation's loss."""

import math

from tests.methods.oracles.knowledge_distillation import softmax

Rows = list[list[float]]


def unit_vector(values: list[float]) -> list[float]:
    """The vector over its length."""
    length = math.sqrt(sum(one * one for one in values))
    return [one / length for one in values]


def kernel(left: list[float], right: list[float], bandwidths: list[float]) -> float:
    """Sum of Gaussians of the distance."""
    squared = sum((a - b) ** 2 for a, b in zip(left, right, strict=True))
    return sum(math.exp(-squared / (2 * s * s)) for s in bandwidths)


def discrepancy(left: Rows, right: Rows, bandwidths: list[float]) -> float:
    """Means of the kernel within both sets, minus twice the mean between them."""

    def mean(some: Rows, others: Rows) -> float:
        pairs = [kernel(a, b, bandwidths) for a in some for b in others]
        return sum(pairs) / len(pairs)

    return max(0.0, mean(left, left) + mean(right, right) - 2 * mean(left, right))


def relative_bandwidths(left: Rows, right: Rows) -> list[float]:
    """Multiples of the mean distance."""
    distances = [math.dist(a, b) for a in left for b in right]
    mean = sum(distances) / len(distances)
    return [multiple * mean for multiple in (0.25, 0.5, 1.0, 2.0, 4.0)]


def mean_square(left: list[float], right: list[float]) -> float:
    """Mean squared difference: of rebuilt maps, or of logits."""
    return sum((a - b) ** 2 for a, b in zip(left, right, strict=True)) / len(left)


def channel_scale(values: list[float]) -> float:
    """Standard deviation of one channel's values over images and places."""
    mean = sum(values) / len(values)
    return math.sqrt(sum((one - mean) ** 2 for one in values) / len(values))


def shares_loss(student: Rows, teacher: Rows, temperature: float) -> float:
    """T² times the mean over rows of Σ p_t·ln(p_t / p_s)."""
    total = 0.0
    for said, told in zip(student, teacher, strict=True):
        p_s, p_t = softmax(said, temperature), softmax(told, temperature)
        total += sum(t * math.log(t / s) for s, t in zip(p_s, p_t, strict=True))
    return temperature**2 * total / len(student)


def decisions_loss(student: Rows, teacher: Rows, temperature: float) -> float:
    """T² times the mean cross-entropy of sigmoids, one output at a time."""
    total, count = 0.0, 0
    for said, told in zip(student, teacher, strict=True):
        for s, t in zip(said, told, strict=True):
            p_s, p_t = (1 / (1 + math.exp(-one / temperature)) for one in (s, t))
            total -= p_t * math.log(p_s) + (1 - p_t) * math.log(1 - p_s)
            count += 1
    return temperature**2 * total / count
