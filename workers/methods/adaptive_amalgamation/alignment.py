"""Auxiliary layers between a learner and its teacher, discarded after training."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workers.methods.adaptive_amalgamation.maths import (
    alignment_loss,
    at_one_size,
    row_norm_loss,
    scaled_logits_loss,
)


@dataclass(frozen=True)
class TaskOutputs:
    """Logits of a task, and maps in order of computation."""

    logits: Tensor
    maps: tuple[Tensor, ...]


class Adaptor(nn.Module):
    """Projects a learner's maps onto those of its teacher by 1 × 1 convolutions.

    Maps are paired from the last backward. ``scale`` multiplies the learner's logits and starts
    at 1. Rows of the projections start with a length of about 1.
    """

    def __init__(self, pairs: Sequence[tuple[int, int]], generator: torch.Generator) -> None:
        super().__init__()
        self.learner = nn.ModuleList(
            _mapping(learner_channels, teacher_channels, generator)
            for learner_channels, teacher_channels in pairs
        )
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, learner: TaskOutputs, teacher: TaskOutputs) -> tuple[Tensor, Tensor]:
        """Loss of the logits, and of the maps summed over pairs of layers."""
        soft = scaled_logits_loss(learner.logits, teacher.logits, self.scale)
        feature = torch.zeros_like(soft)
        for index in range(len(self.learner)):
            feature = feature + self._distance(index, learner, teacher)
        return soft, feature

    def _distance(self, index: int, learner: TaskOutputs, teacher: TaskOutputs) -> Tensor:
        # Networks of different depth have their last maps in common: pairs count from the end.
        from_end = index - len(self.learner)
        learner_maps, teacher_maps = at_one_size(
            learner.maps[from_end], teacher.maps[from_end].detach()
        )
        return alignment_loss(
            self.learner[index](learner_maps), self._map_teacher(index, teacher_maps)
        )

    def _map_teacher(self, index: int, maps: Tensor) -> Tensor:
        """The teacher's maps, unchanged."""
        del index
        return maps


class AlignedSpace(Adaptor):
    """Projects both sides to half the teacher's channels: the feature alignment module.

    Source: Shen et al. 2019.
    """

    def __init__(self, pairs: Sequence[tuple[int, int]], generator: torch.Generator) -> None:
        halved = [
            (learner_channels, max(1, teacher_channels // 2))
            for learner_channels, teacher_channels in pairs
        ]
        super().__init__(halved, generator)
        self.teacher = nn.ModuleList(
            _mapping(teacher_channels, max(1, teacher_channels // 2), generator)
            for _, teacher_channels in pairs
        )

    def forward(self, learner: TaskOutputs, teacher: TaskOutputs) -> tuple[Tensor, Tensor]:
        """The losses of ``Adaptor``; that of the maps includes the row norms of the projections."""
        soft, feature = super().forward(learner, teacher)
        for weight in self.teacher.parameters():
            feature = feature + row_norm_loss(weight.flatten(1))
        return soft, feature

    def _map_teacher(self, index: int, maps: Tensor) -> Tensor:
        mapped: Tensor = self.teacher[index](maps)
        return mapped


def _mapping(channels: int, width: int, generator: torch.Generator) -> nn.Conv2d:
    layer = nn.Conv2d(channels, width, 1, bias=False)
    nn.init.normal_(layer.weight, std=1 / math.sqrt(channels), generator=generator)
    return layer


def paired(learner: Sequence[int], teacher: Sequence[int]) -> list[tuple[int, int]]:
    """Channels of paired maps: last with last, up to the shorter side."""
    return list(zip(reversed(learner), reversed(teacher), strict=False))[::-1]
