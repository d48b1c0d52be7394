"""How much better one network is than another on the same images, with an interval.

Images are resampled with replacement, the same for both networks; the interval holds the middle 90 %
of the differences. Source: Efron & Tibshirani 1993, chapters 10 and 13.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from workers.torchkit.similarity.bootstrap import resampled_weights
from workers.torchkit.training.measures import TaskMeasure

_REPLICATES = 500
_LOW, _HIGH = 0.05, 0.95


@dataclass(frozen=True)
class Lead:
    """A difference of a measure, and the ends of its 90 % interval."""

    value: float
    low: float
    high: float

    def numbers(self, name: str) -> dict[str, float]:
        """The three numbers under ``name``, the ends with ``_low`` and ``_high`` behind it."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}


def lead_over(
    measure: TaskMeasure, student_logits: Tensor, other_logits: Tensor, truth: Tensor
) -> Lead | None:
    """The student's measure minus the other's; None where the truth says nothing.

    The images are drawn from a seed of their own, so that a report can be repeated.
    """
    student, other = (measure.value(logits, truth) for logits in (student_logits, other_logits))
    judged = (truth.flatten(1) if truth.ndim > 1 else truth[:, None]).ge(0).any(dim=1)
    if student is None or other is None:
        return None
    generator = torch.Generator().manual_seed(0)
    counts = resampled_weights(judged, replicates=_REPLICATES, generator=generator)
    differences = measure.resampled(student_logits, truth, counts) - measure.resampled(
        other_logits, truth, counts
    )
    low, high = differences[differences.isfinite()].quantile(
        torch.tensor([_LOW, _HIGH], dtype=torch.float64)
    )
    return Lead(student - other, float(low), float(high))
