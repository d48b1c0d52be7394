"""Slow plain twin of the target of labels that several teachers have, one image at a time."""

import math

Row = list[float]


def softmax(row: Row) -> Row:
    """Shares of exp(x)."""
    exponentials = [math.exp(x - max(row)) for x in row]
    return [exponential / sum(exponentials) for exponential in exponentials]


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + math.exp(-x))


def target(
    logits: list[Row], classes: list[tuple[str, ...]], labels: tuple[str, ...], temperature: float
) -> Row:
    """Mean probability of each label over the teachers that have it, made to sum to 1."""
    probabilities = [softmax([x / temperature for x in row]) for row in logits]
    means = [mean_of(label, probabilities, classes) for label in labels]
    return [mean / sum(means) for mean in means]


def presence(
    logits: list[Row], classes: list[tuple[str, ...]], labels: tuple[str, ...], temperature: float
) -> Row:
    """Mean probability that each label is present, over the teachers that have it."""
    probabilities = [[sigmoid(x / temperature) for x in row] for row in logits]
    return [mean_of(label, probabilities, classes) for label in labels]


def of_centered_logits(
    logits: list[Row], classes: list[tuple[str, ...]], labels: tuple[str, ...], *, largest: bool
) -> Row:
    """Softmax of the mean, or of the largest, logit of each label; every teacher's mean is 0."""
    centered = [[x - sum(row) / len(row) for x in row] for row in logits]
    reduce = largest_of if largest else mean_of
    return softmax([reduce(label, centered, classes) for label in labels])


def mean_of(label: str, rows: list[Row], classes: list[tuple[str, ...]]) -> float:
    """Mean of the values that teachers have for a label."""
    own = values_of(label, rows, classes)
    return sum(own) / len(own)


def largest_of(label: str, rows: list[Row], classes: list[tuple[str, ...]]) -> float:
    """Largest of the values that teachers have for a label."""
    return max(values_of(label, rows, classes))


def values_of(label: str, rows: list[Row], classes: list[tuple[str, ...]]) -> Row:
    """The values that teachers have for a label."""
    return [
        row[names.index(label)] for row, names in zip(rows, classes, strict=True) if label in names
    ]
