"""The common feature space of a student and its teachers, discarded after training."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from service.core.catalog.common_feature_amalgamation import CommonNormalization

_ADAPTED_PER_COMMON = 2
_BLOCKS = 3


@dataclass(frozen=True)
class Meeting:
    """Common features of the student and every teacher, and the teachers' reconstructed maps."""

    student: Tensor
    teachers: tuple[Tensor, ...]
    reconstructed: tuple[Tensor, ...]


class CommonSpace(nn.Module):
    """An adaptation per network, one shared extractor, and a decoder per teacher.

    Source: Luo et al. 2019, section 3.2; widths of the authors' code, halved with the student's.

    Attributes:
        common: Channels of the space.

    Args:
        student: Channels of the student's maps.
        teachers: Channels of each teacher's maps.
        common: Channels of the space.
        kind: Normalization after each convolution.
    """

    def __init__(
        self,
        student: int,
        teachers: Sequence[int],
        common: int,
        *,
        kind: CommonNormalization,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.common = common
        adapted_width = _ADAPTED_PER_COMMON * common
        self.own = _adaptation(student, adapted_width, kind)
        self.adaptations = nn.ModuleList(
            _adaptation(channels, adapted_width, kind) for channels in teachers
        )
        widths = [adapted_width, *[common] * _BLOCKS]
        self.extractor = nn.Sequential(
            *[_ResidualUnit(width_in, width_out, kind) for width_in, width_out in pairwise(widths)]
        )
        self.decoders = nn.ModuleList(_decoder(common, channels, kind) for channels in teachers)
        _draw(self, generator)

    def forward(self, student_maps: Tensor, teacher_maps: Sequence[Tensor]) -> Meeting:
        """Common features and reconstructions; the space gets gradients from all networks."""
        teacher_features = tuple(
            self.extractor(adapt(maps))
            for adapt, maps in zip(self.adaptations, teacher_maps, strict=True)
        )
        reconstructed = tuple(
            decode(features)
            for decode, features in zip(self.decoders, teacher_features, strict=True)
        )
        return Meeting(self.extractor(self.own(student_maps)), teacher_features, reconstructed)


def _normalization(width: int, kind: CommonNormalization) -> nn.Module:
    """Normalization by the statistics of the current batch of one network, or none."""
    if kind is CommonNormalization.NONE:
        return nn.Identity()
    return nn.BatchNorm2d(width, track_running_stats=False)


def _adaptation(channels: int, width: int, kind: CommonNormalization) -> nn.Sequential:
    convolution = nn.Conv2d(channels, width, 1, bias=False)
    return nn.Sequential(convolution, _normalization(width, kind), nn.ReLU())


def _decoder(common: int, channels: int, kind: CommonNormalization) -> nn.Sequential:
    first = nn.Conv2d(common, channels, 3, padding=1)
    last = nn.Conv2d(channels, channels, 1)
    return nn.Sequential(first, _normalization(channels, kind), nn.ReLU(), last)


class _ResidualUnit(nn.Module):
    """Two 3 × 3 convolutions with a skip connection, projected if widths differ."""

    def __init__(self, channels: int, width: int, kind: CommonNormalization) -> None:
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
        """ReLU of the residual branch plus the skip connection."""
        return functional.relu(self.second(functional.relu(self.first(maps))) + self.beside(maps))


def _draw(space: nn.Module, generator: torch.Generator) -> None:
    """Draws all weights from the generator only, uniformly within ±1/√(inputs).

    Source: the default of PyTorch's convolutions.
    """
    for module in space.modules():
        if isinstance(module, nn.Conv2d):
            bound = module.weight[0].numel() ** -0.5
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            if module.bias is not None:
                nn.init.uniform_(module.bias, -bound, bound, generator=generator)
