"""Notices a generator that draws few of the labels, and asks it for balance."""

from collections.abc import MutableMapping

import torch
from torch import Tensor

from service.core.manifest import TaskKind
from workers.methods.adversarial_distillation.game import BALANCE
from workers.methods.adversarial_distillation.maths import counted, decided, evenness

_IMAGES = 512
_LEAST = 0.5
_CHECKS = 3
_NAMED, _SEEN, _LOW, RESCUED = "labels_named", "images_seen", "low_checks", "rescued"


class Watch:
    """Counts the labels that the teacher names in every 512 images.

    Where their evenness is below 0.5 three times in a row, the weight of balance is raised.
    Dense answers, whose background may well prevail, are not watched.

    Args:
        memory: Keeps the counts and the weight, so that they survive an interruption.
    """

    def __init__(
        self, memory: MutableMapping[str, Tensor], labels: int, task: TaskKind, raised: float
    ) -> None:
        self._memory, self._task, self._raised = memory, task, raised
        memory[_NAMED] = torch.zeros(labels)
        memory.update({name: torch.tensor(0) for name in (_SEEN, _LOW, RESCUED)})

    @property
    def rescued(self) -> bool:
        """Whether the weight was raised."""
        return bool(self._memory[RESCUED])

    def see(self, answers: Tensor) -> None:
        """Count the answers to one batch."""
        memory = self._memory
        if self._raised <= float(memory[BALANCE]) or self._task is TaskKind.SEGMENTATION:
            return
        named = counted(decided(answers, self._task), answers.shape[1], self._task)
        memory[_NAMED] = memory[_NAMED] + named.cpu()
        memory[_SEEN] = memory[_SEEN] + len(answers)
        if int(memory[_SEEN]) >= _IMAGES:
            self._check()

    def _check(self) -> None:
        memory = self._memory
        low = evenness(memory[_NAMED]) < _LEAST
        memory[_LOW] = memory[_LOW] + 1 if low else torch.tensor(0)
        memory[_NAMED], memory[_SEEN] = torch.zeros_like(memory[_NAMED]), torch.tensor(0)
        if int(memory[_LOW]) >= _CHECKS:
            memory[BALANCE], memory[RESCUED] = torch.tensor(self._raised), torch.tensor(1)
