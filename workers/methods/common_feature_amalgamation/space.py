"""The space in which a student and its teachers meet; it is thrown away afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from service.core.catalogue.common_feature_amalgamation import CommonNormalisation

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
        kind: What follows its convolutions.
    """

    def __init__(
        self,
        student: int,
        teachers: Sequence[int],
        common: int,
        *,
        kind: CommonNormalisation,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        wide = _ADAPTED_PER_COMMON * common
        self.own = _adaptation(student, wide, kind)
        self.adaptations = nn.ModuleList(_adaptation(one, wide, kind) for one in teachers)
        widths = [wide, *[common] * _BLOCKS]
        self.extractor = nn.Sequential(*[_Residual(a, b, kind) for a, b in pairwise(widths)])
        self.decoders = nn.ModuleList(_decoder(common, one, kind) for one in teachers)
        _draw(self, generator)

    def forward(self, student: Tensor, teachers: Sequence[Tensor]) -> Meeting:
        """Where all meet; gradients flow to the space from every side, also the teachers'."""
        found = tuple(
            self.extractor(adapt(maps))
            for adapt, maps in zip(self.adaptations, teachers, strict=True)
        )
        back = tuple(decode(one) for decode, one in zip(self.decoders, found, strict=True))
        return Meeting(self.extractor(self.own(student)), found, back)


def _normalization(width: int, kind: CommonNormalisation) -> nn.Module:
    """Of the batch at hand, of one network alone."""
    if kind is CommonNormalisation.NONE:
        return nn.Identity()
    return nn.BatchNorm2d(width, track_running_stats=False)


def _adaptation(channels: int, width: int, kind: CommonNormalisation) -> nn.Sequential:
    convolution = nn.Conv2d(channels, width, 1, bias=False)
    return nn.Sequential(convolution, _normalization(width, kind), nn.ReLU())


def _decoder(common: int, channels: int, kind: CommonNormalisation) -> nn.Sequential:
    first = nn.Conv2d(common, channels, 3, padding=1)
    last = nn.Conv2d(channels, channels, 1)
    return nn.Sequential(first, _normalization(channels, kind), nn.ReLU(), last)


class _Residual(nn.Module):
    """Two 3 × 3 convolutions beside the maps themselves, projected where widths differ."""

    def __init__(self, channels: int, width: int, kind: CommonNormalisation) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False), _normalization(width, kind)
        )
        self.second = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), _normalization(width, kind)
        )
        self.beside: nn.Module = nn.Identity()
        if channels != width:
            projection = nn.Conv2d(channels, width, 1, bias=False)
            self.beside = nn.Sequential(projection, _normalization(width, kind))

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
