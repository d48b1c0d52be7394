"""Slow plain twin of a layer's score: one probe, one backward pass, one pair at a time."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from tests.methods.oracles.depara import cosine, edges, midranks, pearson

Network = Callable[[Tensor], Tensor]
Vector = Sequence[float]


def node(cut: Network, image: Tensor) -> list[float]:
    """Mean over channels of |x ⊙ ∂‖F(x)‖/∂x|, from a leaf of its own."""
    leaf = image.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(cut(leaf[None]).norm(), leaf)
    return [float(value) for value in (image * gradient).abs().mean(dim=0).flatten()]


def features(cut: Network, images: Tensor) -> list[list[float]]:
    """F of every image as a list."""
    with torch.no_grad():
        return [cut(image[None]).double().flatten().tolist() for image in images]


def parts(source: Network, target: Network, images: Tensor) -> tuple[float, float]:
    """s_V and s_E of one layer's graph and the target's, features raw, middle ranks."""
    cosines = [cosine(node(source, image), node(target, image)) for image in images]
    left, right = (midranks(edges(features(cut, images))) for cut in (source, target))
    return sum(cosines) / len(cosines), pearson(left, right)


def choice(scores: Sequence[float]) -> tuple[int, float]:
    """The last place with the greatest score, and how much less the best of the others has."""
    best = 0
    for index, score in enumerate(scores):
        if score >= scores[best]:
            best = index
    others = [score for index, score in enumerate(scores) if index != best]
    return best, scores[best] - max(others) if others else math.inf


def centered_products(rows: Sequence[Vector], valid: Sequence[bool]) -> list[list[float]]:
    """Inner products of vectors less the mean of the valid ones; 0 where one is invalid."""
    valid_rows = [row for row, here in zip(rows, valid, strict=True) if here]
    means = [sum(column) / len(valid_rows) for column in zip(*valid_rows, strict=True)]
    centered = [[value - mean for value, mean in zip(row, means, strict=True)] for row in rows]
    return [
        [
            sum(a * b for a, b in zip(left, right, strict=True)) if valid[p] and valid[q] else 0.0
            for q, right in enumerate(centered)
        ]
        for p, left in enumerate(centered)
    ]
