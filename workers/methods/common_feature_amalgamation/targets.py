"""The loss between the student's outputs and those of all teachers."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from service.core.catalog.common_feature_amalgamation import (
    AnswerMatch,
    CommonFeatureAmalgamationParams,
    TeacherLoudness,
)
from service.core.manifest import TaskKind
from workers.methods.common_feature_amalgamation.loudness import Loudness, masses, warnings_of
from workers.methods.common_feature_amalgamation.maths import logits_loss
from workers.torchkit.training.shared_labels import label_logits
from workers.torchkit.training.soft_targets import soft_label_loss, soft_target_loss
from workers.torchkit.training.teachers import Head, Teacher


class TeacherTargets:
    """Targets of all teachers together, or of each apart.

    Attributes:
        masses: Share of every teacher in the common targets; empty where each has its own.

    Args:
        sample: Logits of every teacher on a sample of the images.
    """

    def __init__(
        self,
        teachers: Sequence[Teacher],
        head: Head,
        params: CommonFeatureAmalgamationParams,
        *,
        sample: Sequence[Tensor],
    ) -> None:
        task = teachers[0].task
        self._teachers, self._head, self._task, self._params = teachers, head, task, params
        fits = params.loudness is TeacherLoudness.FITTED
        self._loudness = (
            Loudness.fitted(sample, task) if fits else Loudness.as_taught(len(teachers))
        )
        several = task is TaskKind.MULTI_LABEL
        self._apart = params.match is AnswerMatch.APART and not several
        self._squared = params.match is AnswerMatch.SQUARED and not several
        has_common = len(teachers) > 1 and not several and not self._apart
        self.masses = masses(self._targets(sample), head, len(teachers)) if has_common else []

    def warnings(self) -> Sequence[Mapping[str, str]]:
        """Teachers that the common targets hardly show."""
        return warnings_of(self._teachers, self.masses) if self.masses else []

    def loss(self, student_logits: Tensor, teacher_logits: Sequence[Tensor]) -> Tensor:
        """Loss of the student's logits; gradients flow only to them."""
        if self._apart:
            return self._loss_apart(student_logits, teacher_logits)
        targets = self._targets(teacher_logits)
        if self._squared:
            return logits_loss(student_logits, targets)
        several = self._task is TaskKind.MULTI_LABEL
        loss = soft_label_loss if several else soft_target_loss
        return loss(student_logits, targets, temperature=self._params.temperature)

    def _targets(self, teacher_logits: Sequence[Tensor]) -> Tensor:
        """One target logit per label; distances of logits take those at temperature 1."""
        return label_logits(
            self._loudness.normalized(teacher_logits),
            self._head,
            self._task,
            rule=self._params.shared_labels,
            temperature=1.0 if self._squared else self._params.temperature,
        )

    def _loss_apart(self, student_logits: Tensor, teacher_logits: Sequence[Tensor]) -> Tensor:
        """Sum over teachers of the loss on the labels of each, under a softmax of its own."""
        head, temperature = self._head, self._params.temperature
        losses = [
            soft_target_loss(
                student_logits[:, head.label_indices(number)],
                logits[:, head.output_columns(number)],
                temperature=temperature,
            )
            for number, logits in enumerate(self._loudness.normalized(teacher_logits))
            if head.columns_for(number)
        ]
        return torch.stack(losses).sum()
