"""Slow plain twins of what student and generator are paid for; images are lists of numbers."""

import math

Row = list[float]
Rows = list[Row]


def absolute_discrepancy(student_logits: Rows, teacher_logits: Rows) -> list[float]:
    """Mean |difference| of every image's logits, pixels written one after the other."""
    return [
        sum(abs(s - t) for s, t in zip(student_row, teacher_row, strict=True)) / len(student_row)
        for student_row, teacher_row in zip(student_logits, teacher_logits, strict=True)
    ]


def softmax(row: Row, temperature: float) -> Row:
    """Shares of exp(x / T)."""
    exponentials = [math.exp(x / temperature) for x in row]
    return [exponential / sum(exponentials) for exponential in exponentials]


def divergence(student_logits: Rows, teacher_logits: Rows, temperature: float) -> list[float]:
    """T²·Σ p·ln(p / q) of every image."""
    divergences = []
    for student_row, teacher_row in zip(student_logits, teacher_logits, strict=True):
        q, p = softmax(student_row, temperature), softmax(teacher_row, temperature)
        total = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
        divergences.append(temperature**2 * total)
    return divergences


def sigmoid(x: float) -> float:
    """Probability that a label is there."""
    return 1 / (1 + math.exp(-x))


def label_divergence(
    student_logits: Rows, teacher_logits: Rows, temperature: float
) -> list[float]:
    """The same of two outcomes, there or not, summed over labels."""
    divergences = []
    for student_row, teacher_row in zip(student_logits, teacher_logits, strict=True):
        total = 0.0
        for s, t in zip(student_row, teacher_row, strict=True):
            q, p = sigmoid(s / temperature), sigmoid(t / temperature)
            total += p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
        divergences.append(temperature**2 * total)
    return divergences


def halved(plane: Rows) -> Rows:
    """A plane at half its height and width, every new pixel in the middle of four old ones."""
    return [
        [
            (plane[r][c] + plane[r][c + 1] + plane[r + 1][c] + plane[r + 1][c + 1]) / 4
            for c in range(0, len(plane[0]), 2)
        ]
        for r in range(0, len(plane), 2)
    ]


def adversarial_loss(discrepancy: float, form: str) -> float:
    """-D or -ln(1 + D)."""
    return -discrepancy if form == "linear" else -math.log(1 + discrepancy)


def one_hot_loss(logits: Rows, decisions: list[int]) -> float:
    """Mean of -ln(probability of the decision)."""
    chosen = [softmax(row, 1)[index] for row, index in zip(logits, decisions, strict=True)]
    return -sum(math.log(probability) for probability in chosen) / len(chosen)


def label_one_hot_loss(logits: Rows) -> float:
    """Mean over images and labels of -ln(probability of there, or not there, as decided)."""
    sure = [max(sigmoid(x), 1 - sigmoid(x)) for row in logits for x in row]
    return -sum(math.log(probability) for probability in sure) / len(sure)


def label_shares(logits: Rows, kind: str) -> Row:
    """Mean probability of every label over the batch, as shares of 1."""
    rows = [
        [sigmoid(x) for x in row] if kind == "multi_label" else softmax(row, 1) for row in logits
    ]
    means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    return [mean / sum(means) for mean in means]


def balance_loss(shares: Row) -> float:
    """Σ p·ln p, where 0·ln 0 is 0."""
    return sum(p * math.log(p) for p in shares if p > 0)


def evenness(counts: Row) -> float:
    """Entropy of the shares over ln(number of labels)."""
    shares = [count / sum(counts) for count in counts]
    return -balance_loss(shares) / math.log(len(counts))


def largest_share(counts: Row) -> float:
    """The largest count over their sum."""
    return max(counts) / sum(counts)


def follow(average: Row, weights: Row, decay: float) -> Row:
    """Every number keeps its share of itself and takes the rest."""
    return [decay * a + (1 - decay) * b for a, b in zip(average, weights, strict=True)]


def blended(now: Row, earlier: Row, share: float) -> Row:
    """Statistics with this share of earlier ones."""
    return [(1 - share) * a + share * b for a, b in zip(now, earlier, strict=True)]
