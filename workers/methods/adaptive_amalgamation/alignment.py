"""Layers that stand between two networks while one learns from the other, and then go."""

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
class Told:
    """Logits of a task, and maps from the image to the answer."""

    logits: Tensor
    maps: tuple[Tensor, ...]


class Adaptor(nn.Module):
    """Maps a learner's maps, by 1 x 1 convolutions, onto those of its teacher.

    The last map of the one goes with the last of the other. ``scale`` multiplies the learner's
    logits and begins at 1. Rows begin with a length of about 1.
    """

    def __init__(self, pairs: Sequence[tuple[int, int]], generator: torch.Generator) -> None:
        super().__init__()
        self.learner = nn.ModuleList(_mapping(a, b, generator) for a, b in pairs)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, said: Told, told: Told) -> tuple[Tensor, Tensor]:
        """Distance of the logits, and of the maps summed over places."""
        soft = scaled_logits_loss(said.logits, told.logits, self.scale)
        feature = torch.zeros_like(soft)
        for place in range(len(self.learner)):
            feature = feature + self._distance(place, said, told)
        return soft, feature

    def _distance(self, place: int, said: Told, told: Told) -> Tensor:
        back = place - len(self.learner)
        seen, shown = at_one_size(said.maps[back], told.maps[back].detach())
        return alignment_loss(self.learner[place](seen), self._shown(place, shown))

    def _shown(self, place: int, maps: Tensor) -> Tensor:
        """The teacher's maps as they are."""
        del place
        return maps


class CommonSpace(Adaptor):
    """Maps both sides to half the teacher's channels: the feature alignment module.

    Source: Shen et al. 2019.
    """

    def __init__(self, pairs: Sequence[tuple[int, int]], generator: torch.Generator) -> None:
        narrow = [(a, max(1, b // 2)) for a, b in pairs]
        super().__init__(narrow, generator)
        self.teacher = nn.ModuleList(_mapping(b, max(1, b // 2), generator) for _, b in pairs)

    def forward(self, said: Told, told: Told) -> tuple[Tensor, Tensor]:
        """As for one side; the distance of the maps includes what keeps rows from vanishing."""
        soft, feature = super().forward(said, told)
        for weight in self.teacher.parameters():
            feature = feature + row_norm_loss(weight.flatten(1))
        return soft, feature

    def _shown(self, place: int, maps: Tensor) -> Tensor:
        mapped: Tensor = self.teacher[place](maps)
        return mapped


def _mapping(channels: int, width: int, generator: torch.Generator) -> nn.Conv2d:
    layer = nn.Conv2d(channels, width, 1, bias=False)
    nn.init.normal_(layer.weight, std=1 / math.sqrt(channels), generator=generator)
    return layer


def paired(learner: Sequence[int], teacher: Sequence[int]) -> list[tuple[int, int]]:
    """Channels of both sides' maps: last with last, as far as both go."""
    return list(zip(reversed(learner), reversed(teacher), strict=False))[::-1]
