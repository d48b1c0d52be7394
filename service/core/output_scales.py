"""What the numbers in a network's output mean."""

from enum import StrEnum


class OutputScale(StrEnum):
    """Whether outputs are logits, probabilities or logarithms of probabilities.

    Measured on a few images: rows that are nonnegative and sum to 1 are probabilities, rows whose
    exponentials sum to 1 are log-probabilities, and all others are logits. In a multi-label network
    all outputs between 0 and 1 are probabilities.
    """

    LOGITS = "logits"
    PROBABILITIES = "probabilities"
    LOG_PROBABILITIES = "log_probabilities"
