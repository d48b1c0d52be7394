"""The comparison of teacher and student, and the generator's losses on a batch of images."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from service.core.catalog.adversarial_distillation import AdversarialImages, Match
from service.core.manifest import InputSpec, TaskKind
from workers.methods.adversarial_distillation.maths import (
    Each,
    absolute_discrepancy,
    adversarial_loss,
    at_smaller,
    balance_loss,
    decided,
    divergence,
    label_divergence,
    label_shares,
    one_hot_loss,
)
from workers.methods.adversarial_distillation.recipes import AdversarialRecipe
from workers.torchkit.attribution.module_reader import evaluating
from workers.torchkit.training.bn_statistics import (
    LayerStatistics,
    Over,
    batch_norm_distance,
    logits_and_statistics,
)
from workers.torchkit.training.teachers import Head, Teacher, to_input_space

_REMEMBERED = "batch_statistics"
BALANCE = "balance_weight"


@dataclass(frozen=True)
class AdversarialStep:
    """Teacher and student, and how their logits are compared."""

    teacher: Teacher
    student: nn.Module
    spec: InputSpec
    head: Head
    recipe: AdversarialRecipe

    def student_logits(self, images: Tensor) -> Tensor:
        """The student's logits on images in the teacher's input space."""
        logits: Tensor = self.student(to_input_space(images, self.teacher.input, self.spec))
        return logits

    def selected_logits(self, teacher_logits: Tensor) -> Tensor:
        """The teacher's logits for the student's labels, in the student's order."""
        if self.head.labels == self.teacher.classes:
            return teacher_logits
        order = sorted(self.head.columns, key=lambda column: column.label)
        selected_outputs = torch.tensor(
            [column.column for column in order], device=teacher_logits.device
        )
        return teacher_logits.index_select(1, selected_outputs)

    def discrepancy(
        self, student_logits: Tensor, teacher_logits: Tensor, *, temperature: float = 1.0
    ) -> Each:
        """Discrepancy between student and teacher for every image."""
        student_logits, teacher_logits = at_smaller(student_logits, teacher_logits)
        if self.recipe.match is Match.ABSOLUTE:
            return absolute_discrepancy(student_logits, teacher_logits)
        is_multi_label = self.teacher.task is TaskKind.MULTI_LABEL
        measure = label_divergence if is_multi_label else divergence
        return measure(student_logits, teacher_logits, temperature=temperature)

    def agreement(self, student_logits: Tensor, teacher_logits: Tensor) -> Each:
        """Share of equal decisions per image; 0 or 1 for a single decision."""
        student_logits, teacher_logits = at_smaller(student_logits, teacher_logits)
        task = self.teacher.task
        agrees = (decided(student_logits, task) == decided(teacher_logits, task)).float()
        return agrees.unsqueeze(-1).flatten(1).mean(dim=1)

    @contextmanager
    def student_at_rest(self) -> Iterator[None]:
        """Puts the student in evaluation mode and freezes its weights; restores both on exit."""
        with evaluating(self.student):
            self.student.requires_grad_(requires_grad=False)
            try:
                yield
            finally:
                self.student.requires_grad_(requires_grad=True)


class GeneratorLoss:
    """The generator's weighted losses on a batch, by name.

    Args:
        memory: Stores the running statistics of earlier batches, and the balance weight.
    """

    def __init__(
        self, adversarial_step: AdversarialStep, memory: MutableMapping[str, Tensor]
    ) -> None:
        self._adversarial_step, self._memory, self._recipe = (
            adversarial_step,
            memory,
            adversarial_step.recipe,
        )
        self._latest: tuple[LayerStatistics, ...] = ()
        memory.setdefault(BALANCE, torch.tensor(adversarial_step.recipe.balance_weight))

    def of(
        self, images: Tensor, *, requested_labels: Tensor | None = None, adversarial: float
    ) -> dict[str, Tensor]:
        """Losses of images, differentiable through teacher and student.

        Args:
            requested_labels: Labels that the images should show; None takes the teacher's decisions.
            adversarial: Weight of the discrepancy.
        """
        recipe, task = self._recipe, self._adversarial_step.teacher.task
        teacher_logits, layers = self._read(images)
        parts = {}
        if adversarial > 0:
            gain = adversarial_loss(
                self._discrepancy(images, teacher_logits), recipe.adversarial_form
            )
            parts["adversarial"] = adversarial * gain
        if recipe.one_hot_weight > 0:
            decisions = (
                decided(teacher_logits, task) if requested_labels is None else requested_labels
            )
            parts["one_hot"] = recipe.one_hot_weight * one_hot_loss(
                teacher_logits, decisions, task
            )
        balance = float(self._memory[BALANCE])
        if balance > 0:
            parts["balance"] = balance * balance_loss(label_shares(teacher_logits, task))
        if recipe.batch_norm_weight > 0:
            distance = batch_norm_distance(self._blended(layers), over=Over.SUM)
            parts["batch_norm"] = recipe.batch_norm_weight * distance
        return parts

    def _read(self, images: Tensor) -> tuple[Tensor, tuple[LayerStatistics, ...]]:
        """The teacher's logits, and its batch statistics if their loss has a weight."""
        if self._recipe.batch_norm_weight == 0:
            return self._adversarial_step.teacher.answer(images), ()
        teacher_logits, self._latest = logits_and_statistics(
            self._adversarial_step.teacher.program, images
        )
        return teacher_logits, self._latest

    def _discrepancy(self, images: Tensor, all_teacher_logits: Tensor) -> Tensor:
        """Mean discrepancy over images; the selection of agreeing images has no gradient."""
        student_logits, teacher_logits = (
            self._adversarial_step.student_logits(images),
            self._adversarial_step.selected_logits(all_teacher_logits),
        )
        discrepancies = self._adversarial_step.discrepancy(
            student_logits, teacher_logits, temperature=self._recipe.generator_temperature
        )
        if self._recipe.adversarial_images is AdversarialImages.AGREED:
            # (image,): argmax has no gradient, so agreement only selects images.
            discrepancies = discrepancies * self._adversarial_step.agreement(
                student_logits, teacher_logits
            )
        return discrepancies.mean()

    def _blended(self, layers: tuple[LayerStatistics, ...]) -> tuple[LayerStatistics, ...]:
        """Statistics blended with the running ones of earlier batches."""
        share = self._recipe.batch_norm_memory
        if share == 0 or _REMEMBERED not in self._memory:
            return layers
        sizes = [len(layer.mean) for layer in layers for _ in range(2)]
        earlier_statistics = iter(
            torch.split(self._memory[_REMEMBERED].to(layers[0].mean.device), sizes)
        )
        return tuple(
            layer.blended(next(earlier_statistics), next(earlier_statistics), share=share)
            for layer in layers
        )

    def remember(self) -> None:
        """Updates the moving average with the statistics of the last batch."""
        if self._recipe.batch_norm_memory == 0 or not self._latest:
            return
        parts = [
            statistic
            for layer in self._blended(self._latest)
            for statistic in (layer.mean, layer.variance)
        ]
        self._memory[_REMEMBERED] = torch.cat(parts).detach()
