"""Slow plain twins of what is asked of images, inner maps and the student."""

import math

Rows = list[list[float]]


def sigmoid(x: float) -> float:
    """1 / (1 + e⁻ˣ)."""
    return 1 / (1 + math.exp(-x))


def softmax(row: list[float]) -> list[float]:
    """Shares of eˣ."""
    powers = [math.exp(x) for x in row]
    return [power / sum(powers) for power in powers]


def shares(row: list[float], *, several: str) -> list[float]:
    """Probabilities of labels, ``many`` at once or ``one`` of them."""
    return [sigmoid(x) for x in row] if several == "many" else softmax(row)


def binary_cross_entropy(p: float, target: float) -> float:
    """-t·ln p - (1 - t)·ln(1 - p)."""
    return -target * math.log(p) - (1 - target) * math.log(1 - p)


def one_hot_loss(rows: Rows, *, several: str) -> float:
    """Mean cross-entropy with the rows' own decisions."""
    losses = []
    for row in rows:
        probable = shares(row, several=several)
        if several == "many":
            losses += [binary_cross_entropy(p, float(p >= 0.5)) for p in probable]
        else:
            losses.append(-math.log(max(probable)))
    return sum(losses) / len(losses)


def expected(rows: Rows, *, several: str) -> list[float]:
    """Mean probability of every label over rows, as shares of 1."""
    probable = [shares(row, several=several) for row in rows]
    means = [sum(column) / len(rows) for column in zip(*probable, strict=True)]
    return [mean / sum(means) for mean in means]


def entropy_loss(rows: Rows, *, several: str) -> float:
    """Σ p·ln p of the expected labels."""
    return sum(p * math.log(p) for p in expected(rows, several=several))


def activation_loss(rows: Rows) -> float:
    """Minus the mean absolute value."""
    values = [abs(x) for row in rows for x in row]
    return -sum(values) / len(values)


def discrete_loss(rows: Rows) -> float:
    """Mean probability to be there."""
    values = [sigmoid(x) for row in rows for x in row]
    return sum(values) / len(values)


def agreement_loss(student_logits: Rows, teacher_logits: Rows, *, several: str) -> float:
    """Mean cross-entropy of probabilities."""
    losses = []
    for student_row, teacher_row in zip(student_logits, teacher_logits, strict=True):
        p, target = shares(student_row, several=several), shares(teacher_row, several=several)
        if several == "many":
            losses += [binary_cross_entropy(a, b) for a, b in zip(p, target, strict=True)]
        else:
            losses.append(-sum(b * math.log(a) for a, b in zip(p, target, strict=True)))
    return sum(losses) / len(losses)


def consistency(
    inner_logits: list[list[Rows]], teacher_logits: list[Rows], *, several: str
) -> float:
    """Mean over inner groups: all teachers' columns together, or the mean over teachers."""
    losses = []
    for group in inner_logits:
        if several == "many":
            rows, wanted = (
                [[x for row in image for x in row] for image in zip(*side, strict=True)]
                for side in (group, teacher_logits)
            )
            losses.append(agreement_loss(rows, wanted, several=several))
        else:
            each = [
                agreement_loss(rows, wanted, several=several)
                for rows, wanted in zip(group, teacher_logits, strict=True)
            ]
            losses.append(sum(each) / len(each))
    return sum(losses) / len(losses)


def scaled_distance(student_logits: Rows, teacher_logits: Rows, scale: list[float]) -> float:
    """Mean |a - b| / s."""
    parts = [
        abs(a - b) / s
        for student_row, teacher_row in zip(student_logits, teacher_logits, strict=True)
        for a, b, s in zip(student_row, teacher_row, scale, strict=True)
    ]
    return sum(parts) / len(parts)


def filtered(maps: list[Rows], gates: list[float]) -> list[Rows]:
    """One image's (channel, row, column), every channel times 2·sigmoid(gate)."""
    return [
        [[x * 2 * sigmoid(gate) for x in row] for row in channel]
        for channel, gate in zip(maps, gates, strict=True)
    ]
