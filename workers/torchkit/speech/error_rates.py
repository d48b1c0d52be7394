"""Error rates of recognized texts over a corpus, with bootstrap intervals over clips.

An error rate is the sum of all edit distances divided by the sum of all reference lengths, not the
mean of ratios; it may exceed 1. The unit is what a text is split into: characters (CER), pinyin
syllables (PER), tones (TER) or words (WER).

Axes: ``clip``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

RESAMPLES = 1000
_TAIL = 0.025


def edit_distance(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Fewest insertions, deletions and substitutions that turn one text into the other."""
    row = list(range(len(hypothesis) + 1))
    for line, wanted in enumerate(reference, start=1):
        diagonal, row[0] = row[0], line
        for column, token in enumerate(hypothesis, start=1):
            change = diagonal + (wanted != token)
            diagonal = row[column]
            row[column] = min(row[column] + 1, row[column - 1] + 1, change)
    return row[-1]


@dataclass(frozen=True)
class ErrorCounts:
    """Edit distance and reference length of every clip; clips without reference are left out."""

    errors: Int64[Tensor, " clip"]
    lengths: Int64[Tensor, " clip"]

    @classmethod
    def of(
        cls, references: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[str]]
    ) -> "ErrorCounts":
        """The counts of texts in the same order."""
        pairs = [pair for pair in zip(references, hypotheses, strict=True) if pair[0]]
        distances = [edit_distance(reference, text) for reference, text in pairs]
        return cls(torch.tensor(distances), torch.tensor([len(pair[0]) for pair in pairs]))

    def rate(self) -> float:
        """Summed errors by summed lengths."""
        return float(self.errors.sum() / self.lengths.sum())

    def interval(self, *, seed: int = 0) -> tuple[float, float]:
        """95 % interval of the rate over resampled clips."""
        return _percentiles(_rates(self, _draws(len(self.errors), seed)))

    def difference(self, other: "ErrorCounts", *, seed: int = 0) -> tuple[float, float, float]:
        """Rate minus that of another reader of the same clips, and its 95 % interval, paired."""
        draws = _draws(len(self.errors), seed)
        low, high = _percentiles(_rates(self, draws) - _rates(other, draws))
        return self.rate() - other.rate(), low, high


def _draws(clips: int, seed: int) -> Int64[Tensor, "resample clip"]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(clips, (RESAMPLES, clips), generator=generator)


def _rates(counts: ErrorCounts, draws: Tensor) -> Tensor:
    return counts.errors[draws].sum(1).double() / counts.lengths[draws].sum(1)


def _percentiles(values: Tensor) -> tuple[float, float]:
    low, high = values.quantile(torch.tensor([_TAIL, 1 - _TAIL], dtype=values.dtype)).tolist()
    return low, high
