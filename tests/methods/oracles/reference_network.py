"""Slow plain twins of the steps of training."""

import math


def rate(step: int, steps: int, peak: float) -> float:
    """Linear for a tenth of the steps, then peak·(1 + cos πt)/2."""
    warm = max(1, round(steps / 10))
    if step < warm:
        return peak / warm * (step + 1)
    return peak * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))) / 2


def accuracy(logits: list[list[float]], labels: list[int]) -> float:
    """Share of rows whose largest entry stands at the label."""
    right = sum(row.index(max(row)) == label for row, label in zip(logits, labels, strict=True))
    return right / len(labels)
