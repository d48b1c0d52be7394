"""Fresh classifiers of a chosen build: what training jobs train."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from service.core.catalogue.training import Body, Student

_SMALL_SIDE = 32
_CHANNELS = 3
_GROWTH = 4


@dataclass(frozen=True)
class Answer:
    """Logits, and the last stage's maps that they were made of."""

    logits: Float[Tensor, "image label"]
    maps: Float[Tensor, "image channel row column"]


class StudentNetwork(nn.Module):
    """A stem, three stages that halve twice, the mean over places, one linear layer.

    Frames above 32 pixels lose half their side in the stem.
    """

    def __init__(self, spec: Student, *, labels: int) -> None:
        super().__init__()
        width = spec.width
        block = _BLOCKS[spec.architecture]
        self.stem = _Convolution(_CHANNELS, width, stride=2 if spec.side > _SMALL_SIDE else 1)
        self.stages = nn.Sequential(
            block(width, width, stride=1),
            block(width, 2 * width, stride=2),
            block(2 * width, _GROWTH * width, stride=2),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(_GROWTH * width, labels)

    @property
    def channels(self) -> int:
        """Channels of the last stage's maps."""
        return self.head.in_features

    def answer(self, images: Float[Tensor, "image channel row column"]) -> Answer:
        """Logits and maps."""
        maps = self.stages(self.stem(images))
        return Answer(self.head(self.pool(maps).flatten(1)), maps)

    def forward(
        self, images: Float[Tensor, "image channel row column"]
    ) -> Float[Tensor, "image label"]:
        """Logits."""
        return self.answer(images).logits


class _Convolution(nn.Sequential):
    """A convolution with normalisation, then ReLU."""

    def __init__(self, channels: int, width: int, *, stride: int) -> None:
        super().__init__(_normalised(channels, width, stride=stride), nn.ReLU())


class _Plain(nn.Sequential):
    """Two convolutions."""

    def __init__(self, channels: int, width: int, *, stride: int) -> None:
        super().__init__(
            _Convolution(channels, width, stride=stride), _Convolution(width, width, stride=1)
        )


class _Residual(nn.Module):
    """Two convolutions beside a 1 × 1 convolution.

    Source: He et al. 2015, arXiv 1512.03385, with a projection in every block.
    """

    def __init__(self, channels: int, width: int, *, stride: int) -> None:
        super().__init__()
        self.first = _Convolution(channels, width, stride=stride)
        self.second = _normalised(width, width, stride=1)
        self.beside = nn.Sequential(
            nn.Conv2d(channels, width, 1, stride=stride, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, images: Tensor) -> Tensor:
        """The sum of both ways."""
        return functional.relu(self.second(self.first(images)) + self.beside(images))


_BLOCKS = {Body.PLAIN: _Plain, Body.RESIDUAL: _Residual}


def _normalised(channels: int, width: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(width)
    )


def student_network(spec: Student, *, labels: int, generator: torch.Generator) -> StudentNetwork:
    """A fresh student whose weights come from the generator alone."""
    network = StudentNetwork(spec, labels=labels)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
        if isinstance(module, nn.Linear):
            fill_linear(module, generator)
    return network


def fill_linear(layer: nn.Linear, generator: torch.Generator) -> None:
    """Weights uniform within one over the root of the inputs; no bias."""
    bound = 1 / math.sqrt(layer.in_features)
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    nn.init.zeros_(layer.bias)
