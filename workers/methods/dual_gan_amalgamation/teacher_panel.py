"""The needed teachers, their outputs on images, and the losses of images under them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from service.core.catalog.dual_gan_amalgamation import DualGanAmalgamationParams
from service.core.catalog.training import SharedLabels
from service.core.manifest import InputSpec, TaskKind
from workers.methods.dual_gan_amalgamation.maths import (
    activation_loss,
    discrete_loss,
    entropy_loss,
    one_hot_loss,
)
from workers.methods.dual_gan_amalgamation.recipes import DualGanRecipe
from workers.programs import OUTPUT
from workers.torchkit.training.bn_statistics import (
    LayerStatistics,
    Over,
    batch_norm_distance,
    values_and_statistics,
)
from workers.torchkit.training.shared_labels import label_logits
from workers.torchkit.training.teachers import (
    Head,
    NotTeachableError,
    Teacher,
    to_input_space,
)

Images = Float[Tensor, "image channel row column"]


def needed(teachers: Sequence[Teacher], labels: Sequence[str] | None) -> tuple[int, ...]:
    """Indices of the teachers that have a requested label; the others are not used.

    Raises:
        NotTeachableError: The teachers' tasks differ or are not supported.
    """
    tasks = {teacher.task for teacher in teachers}
    if len(tasks) > 1 or TaskKind.SEGMENTATION in tasks:
        raise NotTeachableError(
            f"the teachers' tasks are {', '.join(sorted(tasks))}",
            remedy="choose teachers that are all single-label or all multi-label classifiers",
        )
    head = Head.of(teachers, labels)
    return tuple(sorted({column.teacher for column in head.columns}))


@dataclass(frozen=True)
class TeacherOutputs:
    """Outputs on images by teacher: logits, features, and batch statistics."""

    logits: tuple[Tensor, ...]
    features: tuple[Tensor, ...]
    statistics: tuple[tuple[LayerStatistics, ...], ...]


@dataclass(frozen=True)
class Panel:
    """Teachers that read images of the student's input space."""

    teachers: tuple[Teacher, ...]
    head: Head
    spec: InputSpec
    rule: SharedLabels

    @property
    def task(self) -> TaskKind:
        """The task of all teachers."""
        return self.teachers[0].task

    @property
    def several(self) -> bool:
        """Whether an image can have several labels."""
        return self.task is TaskKind.MULTI_LABEL

    def view(self, number: int, images: Images) -> Float[Tensor, "image other height width"]:
        """The images in a teacher's input space; differentiable."""
        return to_input_space(images, self.spec, self.teachers[number].input)

    def outputs(self, images: Images) -> TeacherOutputs:
        """Outputs of one pass through every teacher; differentiable in the images."""
        logits, features, statistics = [], [], []
        for number, teacher in enumerate(self.teachers):
            layer = teacher.program.feature_layer
            views = self.view(number, images)
            values, layer_statistics = values_and_statistics(
                teacher.program, views, [OUTPUT, layer]
            )
            logits.append(values[OUTPUT])
            features.append(values[layer])
            statistics.append(layer_statistics)
        return TeacherOutputs(tuple(logits), tuple(features), tuple(statistics))

    def logits(self, images: Images) -> list[Tensor]:
        """Logits of every teacher."""
        return [
            teacher.answer(self.view(number, images))
            for number, teacher in enumerate(self.teachers)
        ]

    def label_logits(self, teacher_logits: Sequence[Tensor]) -> Float[Tensor, "image label"]:
        """Logits of all teachers together, one per label of the student."""
        return label_logits(teacher_logits, self.head, self.task, rule=self.rule)

    def groups(self, teacher_logits: Sequence[Tensor]) -> list[Tensor]:
        """Logits that share a loss: all together if multi-label, else one group per softmax."""
        if self.task is TaskKind.MULTI_LABEL:
            return [torch.cat(list(teacher_logits), dim=1)]
        return list(teacher_logits)


class ImagePrior:
    """Losses of images under the teachers only, weighted and by name."""

    def __init__(
        self, panel: Panel, params: DualGanAmalgamationParams, recipe: DualGanRecipe
    ) -> None:
        self._panel, self._params, self._recipe = panel, params, recipe

    def of(self, outputs: TeacherOutputs) -> dict[str, Tensor]:
        """Losses of images, from the teachers' outputs on them."""
        groups, task = self._panel.groups(outputs.logits), self._panel.task
        parts = {
            "one_hot": self._params.one_hot_weight
            * _mean([one_hot_loss(logits, task) for logits in groups]),
            "entropy": self._params.entropy_weight
            * _mean([entropy_loss(logits, task) for logits in groups]),
            "activation": self._recipe.activation_weight
            * _mean([activation_loss(features) for features in outputs.features]),
        }
        if task is TaskKind.MULTI_LABEL:
            parts["discrete"] = self._recipe.discrete_weight * discrete_loss(groups[0])
        if self._recipe.bn_weight > 0:
            distances = [
                batch_norm_distance(statistics, over=Over.MEAN)
                for statistics in outputs.statistics
            ]
            parts["batch_norm"] = self._recipe.bn_weight * _mean(distances)
        return parts


def _mean(losses: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(losses)).mean()
