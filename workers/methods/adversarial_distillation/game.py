"""Teacher and student at one table, and what a batch of images is worth to the generator."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from service.core.catalogue.adversarial_distillation import AdversarialImages, Match
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
from workers.methods.adversarial_distillation.recipes import Recipe
from workers.torchkit.bn_statistics import (
    LayerStatistics,
    Over,
    batch_norm_distance,
    logits_and_statistics,
)
from workers.torchkit.module_reader import evaluating
from workers.torchkit.teachers import Head, Teacher, to_input_space

_REMEMBERED = "batch_statistics"
BALANCE = "balance_weight"


@dataclass(frozen=True)
class Game:
    """Both networks, and how their answers are compared."""

    teacher: Teacher
    student: nn.Module
    spec: InputSpec
    head: Head
    recipe: Recipe

    def said(self, images: Tensor) -> Tensor:
        """The student's logits on images of the teacher's input space."""
        logits: Tensor = self.student(to_input_space(images, self.teacher.input, self.spec))
        return logits

    def wanted(self, answers: Tensor) -> Tensor:
        """Of the teacher's logits those that the student learns, in the student's order."""
        if self.head.labels == self.teacher.classes:
            return answers
        order = sorted(self.head.columns, key=lambda one: one.label)
        places = torch.tensor([one.column for one in order], device=answers.device)
        return answers.index_select(1, places)

    def apart(self, said: Tensor, told: Tensor) -> Each:
        """How differently both answer, image by image."""
        said, told = at_smaller(said, told)
        if self.recipe.match is Match.ABSOLUTE:
            return absolute_discrepancy(said, told)
        multiple = self.teacher.task is TaskKind.MULTI_LABEL
        compared = label_divergence if multiple else divergence
        return compared(said, told, temperature=self.recipe.temperature)

    def agreed(self, said: Tensor, told: Tensor) -> Each:
        """Share of an image's decisions that are alike; of a single one, whether it is."""
        said, told = at_smaller(said, told)
        task = self.teacher.task
        same = (decided(said, task) == decided(told, task)).float()
        return same.unsqueeze(-1).flatten(1).mean(dim=1)

    @contextmanager
    def student_at_rest(self) -> Iterator[None]:
        """The student in evaluation mode and without gradients of its own."""
        with evaluating(self.student):
            self.student.requires_grad_(requires_grad=False)
            try:
                yield
            finally:
                self.student.requires_grad_(requires_grad=True)


class Worth:
    """What the generator is paid for a batch: weighted losses by name.

    Args:
        memory: Keeps the statistics of earlier batches, and the weight of balance.
    """

    def __init__(self, game: Game, memory: MutableMapping[str, Tensor]) -> None:
        self._game, self._memory, self._recipe = game, memory, game.recipe
        self._latest: tuple[LayerStatistics, ...] = ()
        memory.setdefault(BALANCE, torch.tensor(game.recipe.balance_weight))

    def of(
        self, images: Tensor, *, asked: Tensor | None = None, adversarial: float
    ) -> dict[str, Tensor]:
        """Losses of images; gradients flow to them through teacher and student.

        Args:
            asked: Labels that they should show; None means what the teacher sees in them.
            adversarial: Weight of the discrepancy.
        """
        recipe, task = self._recipe, self._game.teacher.task
        answers, layers = self._read(images)
        parts = {}
        if adversarial > 0:
            gain = adversarial_loss(self._discrepancy(images, answers), recipe.adversarial_form)
            parts["adversarial"] = adversarial * gain
        if recipe.one_hot_weight > 0:
            decisions = decided(answers, task) if asked is None else asked
            parts["one_hot"] = recipe.one_hot_weight * one_hot_loss(answers, decisions, task)
        balance = float(self._memory[BALANCE])
        if balance > 0:
            parts["balance"] = balance * balance_loss(label_shares(answers, task))
        if recipe.batch_norm_weight > 0:
            distance = batch_norm_distance(self._blended(layers), over=Over.SUM)
            parts["batch_norm"] = recipe.batch_norm_weight * distance
        return parts

    def _read(self, images: Tensor) -> tuple[Tensor, tuple[LayerStatistics, ...]]:
        """The teacher's logits, and the statistics of its layers where they count."""
        if self._recipe.batch_norm_weight == 0:
            return self._game.teacher.answer(images), ()
        answers, self._latest = logits_and_statistics(self._game.teacher.program, images)
        return answers, self._latest

    def _discrepancy(self, images: Tensor, answers: Tensor) -> Tensor:
        """Mean over images; those that count in it are not told apart by gradients."""
        said, told = self._game.said(images), self._game.wanted(answers)
        each = self._game.apart(said, told)
        if self._recipe.adversarial_images is AdversarialImages.AGREED:
            each = each * self._game.agreed(said, told)
        return each.mean()

    def _blended(self, layers: tuple[LayerStatistics, ...]) -> tuple[LayerStatistics, ...]:
        """Statistics with the remembered ones of earlier batches in them."""
        share = self._recipe.batch_norm_memory
        if share == 0 or _REMEMBERED not in self._memory:
            return layers
        sizes = [len(one.mean) for one in layers for _ in range(2)]
        earlier = iter(torch.split(self._memory[_REMEMBERED].to(layers[0].mean.device), sizes))
        return tuple(one.blended(next(earlier), next(earlier), share=share) for one in layers)

    def remember(self) -> None:
        """Keep the statistics of the last batch, as a moving average."""
        if self._recipe.batch_norm_memory == 0 or not self._latest:
            return
        parts = [part for one in self._blended(self._latest) for part in (one.mean, one.variance)]
        self._memory[_REMEMBERED] = torch.cat(parts).detach()
