"""The networks that teach, as plain modules for one gray channel."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class NetSpec:
    """A build and its widths; equal ones are the same network.

    ``lenet`` (a, b, h): two 3 × 3 convolutions that halve by their largest value, h hidden units;
    ``lenet_bn`` with batch normalization. ``cnn`` (a, b, c): three normalized convolutions, strides
    1, 2, 2, mean over places. ``res`` (w,): 5 × 5 stem that halves, two residual blocks, GELU.
    ``strided`` (a, b, c): 4 × 4 convolutions that halve, largest answer over places. ``unet``
    (w,): every pixel answers. ``blocks`` (a, b, …): normalized convolutions, each followed by
    pooling of the largest of four values, then the mean over places.
    """

    build: str
    widths: tuple[int, ...]

    def made(self, outputs: int, *, side: int, seed: int) -> nn.Module:
        """The network with fresh weights of the seed; (image, 1, side, side) goes in."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return _BUILDS[self.build](self.widths, outputs, side)


def _batch_normalized(before: int, width: int, *, stride: int = 1, size: int = 3) -> nn.Sequential:
    """A convolution without bias, batch normalization, ReLU."""
    padding = (size - 1) // 2
    convolution = nn.Conv2d(before, width, size, stride=stride, padding=padding, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU())


def _lenet(widths: tuple[int, ...], outputs: int, side: int) -> nn.Module:
    a, b, hidden = widths
    steps = [
        nn.Sequential(nn.Conv2d(before, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        for before, width in ((1, a), (a, b))
    ]
    return nn.Sequential(*steps, *_two_layers(b * (side // 4) ** 2, hidden, outputs))


def _lenet_bn(widths: tuple[int, ...], outputs: int, side: int) -> nn.Module:
    a, b, hidden = widths
    steps = [
        nn.Sequential(_batch_normalized(before, width), nn.MaxPool2d(2))
        for before, width in ((1, a), (a, b))
    ]
    return nn.Sequential(*steps, *_two_layers(b * (side // 4) ** 2, hidden, outputs))


def _two_layers(units: int, hidden: int, outputs: int) -> list[nn.Module]:
    return [nn.Flatten(), nn.Linear(units, hidden), nn.ReLU(), nn.Linear(hidden, outputs)]


def _cnn(widths: tuple[int, ...], outputs: int, _side: int) -> nn.Module:
    steps = [
        _batch_normalized(before, width, stride=stride)
        for (before, width), stride in zip(pairwise((1, *widths)), (1, 2, 2), strict=True)
    ]
    pool = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], outputs))
    return nn.Sequential(*steps, *pool)


def _blocks(widths: tuple[int, ...], outputs: int, _side: int) -> nn.Module:
    steps = [
        nn.Sequential(_batch_normalized(before, width), nn.MaxPool2d(2))
        for before, width in pairwise((1, *widths))
    ]
    pool = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], outputs))
    return nn.Sequential(*steps, *pool)


class _Residual(nn.Module):
    """Two normalized convolutions beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width))
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width))

    def forward(self, images: Tensor) -> Tensor:
        """The sum of both ways."""
        return functional.gelu(images + self.second(functional.gelu(self.first(images))))


def _res(widths: tuple[int, ...], outputs: int, _side: int) -> nn.Module:
    (width,) = widths
    stem = nn.Sequential(nn.Conv2d(1, width, 5, stride=2, padding=2), nn.BatchNorm2d(width))
    narrow = nn.Sequential(nn.Conv2d(width, width, 1, stride=2), nn.GELU())
    pool = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, outputs))
    return nn.Sequential(stem, nn.GELU(), _Residual(width), _Residual(width), narrow, *pool)


def _strided(widths: tuple[int, ...], outputs: int, _side: int) -> nn.Module:
    steps = [_batch_normalized(a, b, stride=2, size=4) for a, b in pairwise((1, *widths))]
    head = (nn.Conv2d(widths[-1], outputs, 1), nn.AdaptiveMaxPool2d(1), nn.Flatten())
    return nn.Sequential(*steps, *head)


class _Unet(nn.Module):
    """Three levels down, two up, every level joined with its twin."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        w = width
        pairs = ((1, w, 1), (w, 2 * w, 2), (2 * w, 4 * w, 2))
        self.down = nn.ModuleList(
            [
                nn.Sequential(_batch_normalized(a, b, stride=s), _batch_normalized(b, b))
                for a, b, s in pairs
            ]
        )
        self.up = nn.ModuleList([_batch_normalized(6 * w, 2 * w), _batch_normalized(3 * w, w)])
        self.head = nn.Conv2d(w, outputs, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of every pixel."""
        levels = [images]
        for step in self.down:
            levels.append(step(levels[-1]))
        value = levels[-1]
        for step, beside in zip(self.up, (levels[2], levels[1]), strict=True):
            grown = functional.interpolate(value, scale_factor=2.0, mode="nearest")
            value = step(torch.cat([grown, beside], dim=1))
        answer: Tensor = self.head(value)
        return answer


def _unet(widths: tuple[int, ...], outputs: int, _side: int) -> nn.Module:
    return _Unet(widths[0], outputs)


_BUILDS: dict[str, Callable[[tuple[int, ...], int, int], nn.Module]] = {
    "lenet": _lenet,
    "lenet_bn": _lenet_bn,
    "cnn": _cnn,
    "blocks": _blocks,
    "res": _res,
    "strided": _strided,
    "unet": _unet,
}
