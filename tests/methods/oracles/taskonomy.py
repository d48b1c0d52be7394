"""Slow, plain twins of the equations in ``benchmarks.taskonomy``: loops over images and pairs."""

import math


def win_rates(losses: list[list[float]]) -> list[list[float]]:
    """Share of images on which the row's source has the smaller loss; a tie counts half."""
    images = len(losses[0])
    return [
        [sum((a < b) + 0.5 * (a == b) for a, b in zip(x, y, strict=True)) / images for y in losses]
        for x in losses
    ]


def ordinal_affinity(rates: list[list[float]]) -> list[float]:
    """Principal eigenvector of the clipped ratios by power iteration, summing to 1."""
    count = len(rates)
    kept = [[min(max(one, 0.001), 0.999) for one in row] for row in rates]
    vector = [1.0] * count
    for _ in range(500):
        vector = [
            sum(kept[i][j] / kept[j][i] * vector[j] for j in range(count)) for i in range(count)
        ]
        total = sum(vector)
        vector = [one / total for one in vector]
    return vector


def z_scored(rows: list[list[float]]) -> list[list[float]]:
    """Every column less its mean, over its deviation; a constant column is 0."""
    columns = []
    for column in zip(*rows, strict=True):
        mean = sum(column) / len(column)
        deviation = math.sqrt(sum((one - mean) ** 2 for one in column) / len(column))
        columns.append([(one - mean) / deviation if deviation else 0.0 for one in column])
    return [list(row) for row in zip(*columns, strict=True)]


def dds(left: list[list[float]], right: list[list[float]]) -> float:
    """Duality diagram similarity with f = cosine on z-scored features, entry by entry."""
    first, second = (_centered_distances(z_scored(rows)) for rows in (left, right))
    return _cosine([x for row in first for x in row], [x for row in second for x in row])


def _centered_distances(rows: list[list[float]]) -> list[list[float]]:
    n = len(rows)
    away = [[0.0 if i == j else 1 - _cosine(rows[i], rows[j]) for j in range(n)] for i in range(n)]
    sums = [sum(row) for row in away]
    whole = sum(sums)
    return [
        [
            0.0
            if i == j
            else away[i][j] - sums[i] / (n - 2) - sums[j] / (n - 2) + whole / ((n - 1) * (n - 2))
            for j in range(n)
        ]
        for i in range(n)
    ]


def linear_cka(left: list[list[float]], right: list[list[float]]) -> float:
    """Cosine of the two matrices of inner products of centered features."""
    first, second = (_products(rows) for rows in (left, right))
    return _cosine(first, second)


def _products(rows: list[list[float]]) -> list[float]:
    means = [sum(column) / len(column) for column in zip(*rows, strict=True)]
    centered = [[x - m for x, m in zip(row, means, strict=True)] for row in rows]
    return [sum(a * b for a, b in zip(p, q, strict=True)) for p in centered for q in centered]


def _cosine(x: list[float], y: list[float]) -> float:
    dot = sum(a * b for a, b in zip(x, y, strict=True))
    return dot / math.sqrt(sum(a * a for a in x) * sum(b * b for b in y))
