"""Slow plain twins of the parts of a distillation's loss."""

import math

Rows = list[list[float]]


def softmax(row: list[float], temperature: float) -> list[float]:
    """Shares of exp(x / T)."""
    exponentials = [math.exp(x / temperature) for x in row]
    return [exponential / sum(exponentials) for exponential in exponentials]


def soft_target_loss(student_logits: Rows, teacher_logits: Rows, temperature: float) -> float:
    """T² times the mean over rows of Σ p_t·ln(p_t / p_s)."""
    total = 0.0
    for student_row, teacher_row in zip(student_logits, teacher_logits, strict=True):
        p_s, p_t = softmax(student_row, temperature), softmax(teacher_row, temperature)
        total += sum(t * math.log(t / s) for s, t in zip(p_s, p_t, strict=True))
    return temperature**2 * total / len(student_logits)


def attention_map(maps: list[Rows]) -> list[float]:
    """One image's (channel, row, column): mean of squares over channels, over its length."""
    rows, columns = len(maps[0]), len(maps[0][0])
    flat = [
        sum(channel[r][c] ** 2 for channel in maps) / len(maps)
        for r in range(rows)
        for c in range(columns)
    ]
    length = math.sqrt(sum(value**2 for value in flat))
    return [value / length for value in flat]


def attention_loss(student: list[list[Rows]], teacher: list[list[Rows]]) -> float:
    """Mean squared difference of attention maps of one size."""
    squares = [
        (a - b) ** 2
        for s, t in zip(student, teacher, strict=True)
        for a, b in zip(attention_map(s), attention_map(t), strict=True)
    ]
    return sum(squares) / len(squares)


def feature_loss(student: Rows, teacher: Rows) -> float:
    """Half the mean squared difference."""
    squares = [
        (a - b) ** 2
        for s, t in zip(student, teacher, strict=True)
        for a, b in zip(s, t, strict=True)
    ]
    return sum(squares) / len(squares) / 2


def soft_label_loss(student_logits: Rows, teacher_logits: Rows, temperature: float) -> float:
    """T² times the mean cross-entropy of sigmoids, one output at a time."""
    total, count = 0.0, 0
    for student_row, teacher_row in zip(student_logits, teacher_logits, strict=True):
        for s, t in zip(student_row, teacher_row, strict=True):
            p_s, p_t = (1 / (1 + math.exp(-logit / temperature)) for logit in (s, t))
            total -= p_t * math.log(p_s) + (1 - p_t) * math.log(1 - p_s)
            count += 1
    return temperature**2 * total / count


def label_loss(logits: Rows, labels: list[int]) -> float:
    """Mean of -ln p of the label over the rows that have one."""
    labeled = [(row, label) for row, label in zip(logits, labels, strict=True) if label >= 0]
    return -sum(math.log(softmax(row, 1.0)[label]) for row, label in labeled) / len(labeled)
