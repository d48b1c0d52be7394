"""How loud every teacher is: the temperature of its logits, and its share of the targets."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from service.core.manifest import TaskKind
from workers.torchkit.training.teachers import Head, Teacher
from workers.torchkit.training.temperatures import (
    bernoulli_entropy,
    common_temperatures,
    entropy,
)

# A fifth of an equal share: a tenth of the mass where there are two teachers.
_FAINT = 0.2


@dataclass(frozen=True)
class Loudness:
    """A temperature for the logits of every teacher."""

    temperatures: tuple[float, ...]

    @classmethod
    def as_taught(cls, count: int) -> "Loudness":
        """Every teacher as it is."""
        return cls((1.0,) * count)

    @classmethod
    def fitted(cls, teacher_logits: Sequence[Tensor], task: TaskKind) -> "Loudness":
        """Temperatures at which all teachers are equally uncertain of the images.

        Uncertainty is the entropy as a share of its maximum, mean over images.
        """
        if len(teacher_logits) == 1:
            return cls.as_taught(1)
        measure = bernoulli_entropy if task is TaskKind.MULTI_LABEL else relative_entropy
        return cls(
            common_temperatures([logits.float().cpu() for logits in teacher_logits], measure)
        )

    def normalized(self, teacher_logits: Sequence[Tensor]) -> list[Tensor]:
        """The logits of every teacher over its temperature."""
        return [
            logits / temperature
            for logits, temperature in zip(teacher_logits, self.temperatures, strict=True)
        ]


def relative_entropy(logits: Tensor) -> Tensor:
    """Entropy of the softmax as a share of its maximum, from 0 to 1, for every image."""
    return entropy(logits) / math.log(max(2, logits.shape[1]))


def masses(targets: Tensor, head: Head, teachers: int) -> list[float]:
    """Share of the targets' probability on the labels of every teacher, mean over images.

    Teachers of one label share it equally, so that all shares sum to 1.
    """
    probabilities = targets.float().softmax(dim=1).mean(dim=0).cpu()
    counts = torch.tensor([column.label for column in head.columns]).bincount()
    equal = probabilities / counts
    return [float(equal[head.label_indices(number)].sum()) for number in range(teachers)]


def warnings_of(teachers: Sequence[Teacher], shares: Sequence[float]) -> list[dict[str, str]]:
    """One warning for every teacher whose share is below a fifth of an equal one."""
    return [
        {
            "code": "faint_teacher",
            "detail": f"{teacher.name} has {share:.1%} of the mass of the targets, so that the"
            " student learns little of it",
            "remedy": "set match to apart, or shared_labels to probabilities",
        }
        for teacher, share in zip(teachers, shares, strict=True)
        if share < _FAINT / len(teachers)
    ]
