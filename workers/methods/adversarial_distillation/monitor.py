"""Detection of a generator that covers few labels, and its remedy: the balance loss."""

from collections.abc import MutableMapping

import torch
from torch import Tensor

from service.core.manifest import TaskKind
from workers.methods.adversarial_distillation.adversarial_step import BALANCE
from workers.methods.adversarial_distillation.maths import counted, decided, evenness

_IMAGES = 512
_LEAST = 0.5
_CHECKS = 3
_NAMED, _COUNTED, _LOW, RESCUED = "labels_named", "images_counted", "low_checks", "rescued"


class LabelBalance:
    """Counts the teacher's decisions in every 512 images.

    If their evenness is below 0.5 three times in a row, the balance weight is raised. Dense
    outputs, in which the background may legitimately dominate, are not counted.

    Args:
        memory: Stores the counts and the weight, so that they survive an interruption.
    """

    def __init__(
        self,
        memory: MutableMapping[str, Tensor],
        labels: int,
        task: TaskKind,
        rescue_weight: float,
    ) -> None:
        self._memory, self._task, self._rescue_weight = memory, task, rescue_weight
        memory[_NAMED] = torch.zeros(labels)
        memory.update({name: torch.tensor(0) for name in (_COUNTED, _LOW, RESCUED)})

    @property
    def rescued(self) -> bool:
        """Whether the balance weight has been raised."""
        return bool(self._memory[RESCUED])

    def count(self, teacher_logits: Tensor) -> None:
        """Counts the decisions of one batch."""
        memory = self._memory
        if self._rescue_weight <= float(memory[BALANCE]) or self._task is TaskKind.SEGMENTATION:
            return
        label_counts = counted(
            decided(teacher_logits, self._task), teacher_logits.shape[1], self._task
        )
        memory[_NAMED] = memory[_NAMED] + label_counts.cpu()
        memory[_COUNTED] = memory[_COUNTED] + len(teacher_logits)
        if int(memory[_COUNTED]) >= _IMAGES:
            self._check()

    def _check(self) -> None:
        memory = self._memory
        is_uneven = evenness(memory[_NAMED]) < _LEAST
        memory[_LOW] = memory[_LOW] + 1 if is_uneven else torch.tensor(0)
        memory[_NAMED], memory[_COUNTED] = torch.zeros_like(memory[_NAMED]), torch.tensor(0)
        if int(memory[_LOW]) >= _CHECKS:
            memory[BALANCE], memory[RESCUED] = torch.tensor(self._rescue_weight), torch.tensor(1)
