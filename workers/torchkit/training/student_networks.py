"""Built-in student networks: a sequence of blocks, then a head."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from service.core.catalog.training import Student, StudentArchitecture
from service.core.manifest import InputSpec

_SMALL_SIDE = 32


@dataclass(frozen=True)
class StudentOutput:
    """Logits and the output of every block, in order of computation."""

    logits: Float[Tensor, "image label *pixel"]
    maps: tuple[Float[Tensor, "image _ _ _"], ...]


class StudentNetwork(nn.Module):
    """A sequence of blocks, then a head.

    Each of ``blocks`` halves the image side, except that the first may keep it; ``channels``
    holds the channels of every block's output.
    """

    def __init__(
        self, blocks: Sequence[nn.Module], channels: Sequence[int], head: nn.Module
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.head = head
        self.channels = tuple(channels)

    def answer(self, images: Float[Tensor, "image channel row column"]) -> StudentOutput:
        """Logits and the maps of all blocks."""
        maps, value = [], images
        for block in self.blocks:
            value = block(value)
            maps.append(value)
        return StudentOutput(self.head(value), tuple(maps))

    def forward(
        self, images: Float[Tensor, "image channel row column"]
    ) -> Float[Tensor, "image label *pixel"]:
        """Logits."""
        return self.answer(images).logits


def _convolution(channels: int, width: int, *, stride: int = 1, size: int = 3) -> nn.Sequential:
    """A convolution with normalization, then ReLU."""
    return nn.Sequential(*_normalized(channels, width, stride=stride, size=size), nn.ReLU())


def _normalized(channels: int, width: int, *, stride: int, size: int = 3) -> nn.Sequential:
    padding = (size - 1) // 2
    return nn.Sequential(
        nn.Conv2d(channels, width, size, stride=stride, padding=padding, bias=False),
        nn.BatchNorm2d(width),
    )


class _ResidualBlock(nn.Module):
    """Two convolutions beside a 1 × 1 convolution.

    Source: He et al. 2015, arXiv 1512.03385, with a projection in every block.
    """

    def __init__(self, channels: int, width: int, *, stride: int) -> None:
        super().__init__()
        self.first = _convolution(channels, width, stride=stride)
        self.second = _normalized(width, width, stride=1)
        self.beside = _normalized(channels, width, stride=stride, size=1)

    def forward(self, images: Tensor) -> Tensor:
        """ReLU of the residual branch plus the projection."""
        return functional.relu(self.second(self.first(images)) + self.beside(images))


def _pooled(channels: int, labels: int) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, labels))


def _first_stride(shape: InputSpec) -> int:
    """2 for frames above 32 pixels, which the first convolution halves; otherwise 1."""
    return 2 if shape.height > _SMALL_SIDE else 1


def _plain(spec: Student, shape: InputSpec, labels: int) -> StudentNetwork:
    """Three convolutions, then global average pooling."""
    w = spec.width
    widths = (w, 2 * w, 4 * w)
    blocks = [
        _convolution(shape.channels, w, stride=_first_stride(shape)),
        _convolution(w, 2 * w, stride=2),
        _convolution(2 * w, 4 * w, stride=2),
    ]
    return StudentNetwork(blocks, widths, _pooled(widths[-1], labels))


def _residual(spec: Student, shape: InputSpec, labels: int) -> StudentNetwork:
    """A convolution and three residual stages, then global average pooling."""
    w = spec.width
    widths = (w, 2 * w, 4 * w)
    stem = _convolution(shape.channels, w, stride=_first_stride(shape))
    blocks = [
        nn.Sequential(stem, _ResidualBlock(w, w, stride=1)),
        _ResidualBlock(w, 2 * w, stride=2),
        _ResidualBlock(2 * w, 4 * w, stride=2),
    ]
    return StudentNetwork(blocks, widths, _pooled(widths[-1], labels))


def _lenet(spec: Student, shape: InputSpec, labels: int) -> StudentNetwork:
    """Two convolutions with max-pooling and two linear layers; no normalization.

    Source: LeCun et al. 1998, with 3 × 3 convolutions and ReLU.
    """
    w = spec.width
    blocks = [
        nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        for a, b in ((shape.channels, w), (w, 2 * w))
    ]
    units = 2 * w * (shape.height // 4) * (shape.width // 4)
    head = nn.Sequential(
        nn.Flatten(), nn.Linear(units, 4 * w), nn.ReLU(), nn.Linear(4 * w, labels)
    )
    return StudentNetwork(blocks, (w, 2 * w), head)


def _strided(spec: Student, shape: InputSpec, labels: int) -> StudentNetwork:
    """Three strided 4 × 4 convolutions, then global max-pooling of the logits."""
    w = spec.width
    widths = (shape.channels, w, 2 * w, 4 * w)
    blocks = [_convolution(a, b, stride=2, size=4) for a, b in itertools.pairwise(widths)]
    head = nn.Sequential(nn.Conv2d(widths[-1], labels, 1), nn.AdaptiveMaxPool2d(1), nn.Flatten())
    return StudentNetwork(blocks, widths[1:], head)


class _Climb(nn.Module):
    """One decoder step: upsample twofold and join with the encoder maps of that side."""

    def __init__(self, deep: int, beside: int, width: int) -> None:
        super().__init__()
        self.join = _convolution(deep + beside, width)

    def forward(self, deep: Tensor, beside: Tensor) -> Tensor:
        """Maps of the larger side."""
        grown = functional.interpolate(deep, size=beside.shape[-2:], mode="nearest")
        joined: Tensor = self.join(torch.cat([grown, beside], dim=1))
        return joined


class DenseStudent(StudentNetwork):
    """A U-Net: three encoder blocks, two decoder steps, logits for every pixel.

    Source: Ronneberger et al. 2015, arXiv 1505.04597.
    """

    def __init__(self, spec: Student, shape: InputSpec, labels: int) -> None:
        w = spec.width
        blocks = [
            nn.Sequential(_convolution(a, b, stride=s), _convolution(b, b))
            for a, b, s in ((shape.channels, w, 1), (w, 2 * w, 2), (2 * w, 4 * w, 2))
        ]
        super().__init__(blocks, (w, 2 * w, 4 * w), nn.Conv2d(w, labels, 1))
        self.climbs = nn.ModuleList([_Climb(4 * w, 2 * w, 2 * w), _Climb(2 * w, w, w)])

    def answer(self, images: Float[Tensor, "image channel row column"]) -> StudentOutput:
        """Logits of every pixel and the encoder's maps."""
        shallow = self.blocks[0](images)
        middle = self.blocks[1](shallow)
        deep = self.blocks[2](middle)
        value = self.climbs[1](self.climbs[0](deep, middle), shallow)
        return StudentOutput(self.head(value), (shallow, middle, deep))


BUILDS: Mapping[StudentArchitecture, Callable[[Student, InputSpec, int], StudentNetwork]] = {
    StudentArchitecture.PLAIN: _plain,
    StudentArchitecture.RESIDUAL: _residual,
    StudentArchitecture.LENET: _lenet,
    StudentArchitecture.STRIDED: _strided,
    StudentArchitecture.UNET: DenseStudent,
}
