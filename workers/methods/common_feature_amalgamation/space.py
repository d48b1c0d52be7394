"""The space in which a student and its teachers meet; it is thrown away afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

_ADAPTED_PER_COMMON = 2
_BLOCKS = 3


@dataclass(frozen=True)
class Meeting:
    """Common features of the student and of every teacher, and the teachers' rebuilt maps."""

    student: Tensor
    teachers: tuple[Tensor, ...]
    rebuilt: tuple[Tensor, ...]


class CommonSpace(nn.Module):
    """Adaptation of every network, one extractor for all, a way back for every teacher.

    Source: Luo et al. 2019, section 3.2; widths of the authors' code, halved with the student's.

    Args:
        student: Channels of the student's maps.
        teachers: Channels of each teacher's maps.
        common: Channels of the space.
    """

    def __init__(
        self,
        student: int,
        teachers: Sequence[int],
        common: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        wide = _ADAPTED_PER_COMMON * common
        self.own = _adaptation(student, wide)
        self.adaptations = nn.ModuleList(_adaptation(one, wide) for one in teachers)
        widths = [wide, *[common] * _BLOCKS]
        self.extractor = nn.Sequential(*[_Residual(a, b) for a, b in pairwise(widths)])
        self.decoders = nn.ModuleList(_decoder(common, one) for one in teachers)
        _draw(self, generator)

    def forward(self, student: Tensor, teachers: Sequence[Tensor]) -> Meeting:
        """Where all meet; gradients flow to the space from every side, also the teachers'."""
        found = tuple(
            self.extractor(adapt(maps))
            for adapt, maps in zip(self.adaptations, teachers, strict=True)
        )
        back = tuple(decode(one) for decode, one in zip(self.decoders, found, strict=True))
        return Meeting(self.extractor(self.own(student)), found, back)


def _adaptation(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, 1, bias=False), nn.ReLU())


def _decoder(common: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(common, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, channels, 1)
    )


class _Residual(nn.Module):
    """Two 3 × 3 convolutions beside the maps themselves, projected where widths differ."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        same = channels == width
        self.beside = nn.Identity() if same else nn.Conv2d(channels, width, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """The sum of both ways."""
        return functional.relu(self.second(functional.relu(self.first(maps))) + self.beside(maps))


def _draw(space: nn.Module, generator: torch.Generator) -> None:
    """Weights from the generator alone: uniform within one over the root of the inputs.

    Source: the default of PyTorch's convolutions.
    """
    for module in space.modules():
        if isinstance(module, nn.Conv2d):
            bound = module.weight[0].numel() ** -0.5
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            if module.bias is not None:
                nn.init.uniform_(module.bias, -bound, bound, generator=generator)
