"""Slow plain twins: who is sure of an image, who teaches it, and the parts of the loss."""

import math
from itertools import product

Rows = list[list[float]]
Maps = list[list[Rows]]


def softmax(row: list[float]) -> list[float]:
    """Shares of exp(x)."""
    exponentials = [math.exp(x - max(row)) for x in row]
    return [exponential / sum(exponentials) for exponential in exponentials]


def entropy(logits: Rows) -> list[float]:
    """-Σ p·ln p of every row."""
    return [-sum(p * math.log(p) for p in softmax(row) if p > 0) for row in logits]


def bernoulli_entropy(logits: Rows) -> list[float]:
    """Mean over labels of the entropy of a coin."""
    return [sum(entropy([[x, 0.0]])[0] for x in row) / len(row) for row in logits]


def closeness(logits: Rows) -> list[float]:
    """One minus the gap of the two largest shares."""
    differences = []
    for row in logits:
        shares = sorted(softmax(row))
        differences.append(1 - (shares[-1] - shares[-2]))
    return differences


def bernoulli_closeness(logits: Rows) -> list[float]:
    """Mean over labels of the closeness of being there and not."""
    return [sum(closeness([[x, 0.0]])[0] for x in row) / len(row) for row in logits]


def temperature_for(logits: Rows, mean: float) -> float:
    """The temperature of a fine grid at which the mean entropy comes nearest to ``mean``."""
    grid = [0.02 * (2500 ** (index / 4000)) for index in range(4001)]

    def gap(temperature: float) -> float:
        entropies = entropy([[x / temperature for x in row] for row in logits])
        return abs(sum(entropies) / len(entropies) - mean)

    return min(grid, key=gap)


def most_confident(ambiguity: Rows) -> Rows:
    """1 for the first source of the least ambiguity of every image."""
    weights = [[0.0] * len(ambiguity[0]) for _ in ambiguity]
    for image in range(len(ambiguity[0])):
        column = [row[image] for row in ambiguity]
        weights[column.index(min(column))][image] = 1.0
    return weights


def shared(ambiguity: Rows, softness: float) -> Rows:
    """softmax(-ambiguity / softness) over sources."""
    columns = [
        softmax([-value / softness for value in column]) for column in zip(*ambiguity, strict=True)
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def mapped(maps: list[Rows], weight: Rows) -> list[Rows]:
    """One image's maps through a 1 x 1 convolution."""
    rows, columns = range(len(maps[0])), range(len(maps[0][0]))
    return [
        [
            [sum(w * m[r][c] for w, m in zip(line, maps, strict=True)) for c in columns]
            for r in rows
        ]
        for line in weight
    ]


def alignment_loss(student_maps: Maps, teacher_maps: Maps) -> float:
    """Mean squared difference of stacks of maps."""
    squares = []
    for student_image, teacher_image in zip(student_maps, teacher_maps, strict=True):
        positions = product(
            range(len(student_image)),
            range(len(student_image[0])),
            range(len(student_image[0][0])),
        )
        squares += [
            (student_image[k][r][c] - teacher_image[k][r][c]) ** 2 for k, r, c in positions
        ]
    return sum(squares) / len(squares)


def row_norm_loss(weight: Rows) -> float:
    """Mean over rows of the squared distance of their squared length from 1."""
    return sum((sum(w * w for w in row) - 1) ** 2 for row in weight) / len(weight)


def scaled_logits_loss(student_logits: Rows, teacher_logits: Rows, scale: float) -> float:
    """Mean squared difference of the scaled output and the target."""
    squares = [
        (scale * a - b) ** 2
        for s, t in zip(student_logits, teacher_logits, strict=True)
        for a, b in zip(s, t, strict=True)
    ]
    return sum(squares) / len(squares)
