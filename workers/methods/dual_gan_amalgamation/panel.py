"""The teachers that are needed, what they say of images, and how good images are to them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from service.core.catalogue.dual_gan_amalgamation import DualGanAmalgamationParams
from service.core.manifest import InputSpec, TaskKind
from workers.methods.dual_gan_amalgamation.maths import (
    activation_loss,
    discrete_loss,
    entropy_loss,
    label_logits,
    one_hot_loss,
)
from workers.methods.dual_gan_amalgamation.recipes import Recipe
from workers.programs import OUTPUT
from workers.torchkit.bn_statistics import (
    LayerStatistics,
    Over,
    batch_norm_distance,
    values_and_statistics,
)
from workers.torchkit.teachers import Head, NotTeachableError, Teacher, stacked, to_input_space

Images = Float[Tensor, "image channel row column"]


def needed(teachers: Sequence[Teacher], labels: Sequence[str] | None) -> tuple[int, ...]:
    """Numbers of the teachers that know a wanted label; the others are left out altogether.

    Raises:
        NotTeachableError: Teachers of several kinds of tasks, or of a kind that is not for this.
    """
    tasks = {one.task for one in teachers}
    if len(tasks) > 1 or TaskKind.SEGMENTATION in tasks:
        raise NotTeachableError(
            f"the teachers' tasks are {', '.join(sorted(tasks))}",
            remedy="choose teachers that all name one label, or all name any number of labels",
        )
    head = Head.of(teachers, labels)
    return tuple(sorted({one.teacher for one in head.columns}))


@dataclass(frozen=True)
class Told:
    """What teachers say of images: logits, features, and statistics, teacher by teacher."""

    answers: tuple[Tensor, ...]
    features: tuple[Tensor, ...]
    statistics: tuple[tuple[LayerStatistics, ...], ...]


@dataclass(frozen=True)
class Panel:
    """Teachers that look at images of the student's input space."""

    teachers: tuple[Teacher, ...]
    head: Head
    spec: InputSpec

    @property
    def task(self) -> TaskKind:
        """Of all teachers."""
        return self.teachers[0].task

    @property
    def several(self) -> bool:
        """Whether an image may have several labels."""
        return self.task is TaskKind.MULTI_LABEL

    def view(self, number: int, images: Images) -> Float[Tensor, "image other height width"]:
        """The images in a teacher's own space; gradients flow back."""
        return to_input_space(images, self.spec, self.teachers[number].input)

    def told(self, images: Images) -> Told:
        """Everything from one pass through every teacher; gradients flow back to images."""
        answers, features, statistics = [], [], []
        for number, one in enumerate(self.teachers):
            layer = one.program.feature_layer
            seen = self.view(number, images)
            values, found = values_and_statistics(one.program, seen, [OUTPUT, layer])
            answers.append(values[OUTPUT])
            features.append(values[layer])
            statistics.append(found)
        return Told(tuple(answers), tuple(features), tuple(statistics))

    def answers(self, images: Images) -> list[Tensor]:
        """Logits of every teacher."""
        return [one.answer(self.view(number, images)) for number, one in enumerate(self.teachers)]

    def labels_told(self, answers: Sequence[Tensor]) -> Float[Tensor, "image label"]:
        """What all say together, one logit for each label of the student."""
        return label_logits(stacked(answers, self.head), self.head, self.task)

    def groups(self, answers: Sequence[Tensor]) -> list[Tensor]:
        """Answers that are read together: all, or those of one softmax."""
        if self.task is TaskKind.MULTI_LABEL:
            return [torch.cat(list(answers), dim=1)]
        return list(answers)


class Prior:
    """What images are asked for by the teachers alone: weighted losses by name."""

    def __init__(self, panel: Panel, params: DualGanAmalgamationParams, recipe: Recipe) -> None:
        self._panel, self._params, self._recipe = panel, params, recipe

    def of(self, told: Told) -> dict[str, Tensor]:
        """Losses of images, from what the teachers say of them."""
        groups, task = self._panel.groups(told.answers), self._panel.task
        parts = {
            "one_hot": self._params.one_hot_weight
            * _mean([one_hot_loss(one, task) for one in groups]),
            "entropy": self._params.entropy_weight
            * _mean([entropy_loss(one, task) for one in groups]),
            "activation": self._recipe.activation_weight
            * _mean([activation_loss(one) for one in told.features]),
        }
        if task is TaskKind.MULTI_LABEL:
            parts["discrete"] = self._recipe.discrete_weight * discrete_loss(groups[0])
        if self._recipe.bn_weight > 0:
            distances = [batch_norm_distance(one, over=Over.MEAN) for one in told.statistics]
            parts["batch_norm"] = self._recipe.bn_weight * _mean(distances)
        return parts


def _mean(losses: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(losses)).mean()
