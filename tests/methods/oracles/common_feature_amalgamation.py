"""Slow plain twins of the parts of an amalgamation's loss."""

import math

Rows = list[list[float]]


def unit_vector(values: list[float]) -> list[float]:
    """The vector over its length."""
    length = math.sqrt(sum(value * value for value in values))
    return [value / length for value in values]


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
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
