"""Networks that turn noise into images of a given input space.

Their batch normalization always uses the current batch and keeps no running statistics, so
training and evaluation mode give the same images and a forward pass changes no state.
"""

import math
from collections.abc import Iterator
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from service.core.manifest import InputSpec

_LARGEST_SMALL_SIDE = 64
_SMALL_STEP, _LARGE_STEP = 4, 16
_SLOPE = 0.2
_SPREAD = 0.02

Noise = Float[Tensor, "image unit"]
Images = Float[Tensor, "image channel row column"]


class SmallGenerator(nn.Module):
    """A linear layer, two twofold upsamplings, and images of mean 0 and variance 1.

    The last normalization gives every channel the statistics of a normalized training set. If
    ``spec`` does not normalize, the mean is the middle of its range and the deviation a quarter.

    Source: generator of the small experiments of Fang et al. 2019, arXiv 1912.11006.

    Attributes:
        noise_units: Noise values per image.
    """

    def __init__(
        self, noise_units: int, width: int, spec: InputSpec, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.noise_units, self._size = noise_units, (spec.height, spec.width)
        self._first = (2 * width, *_start(spec, _SMALL_STEP))
        self.linear = nn.Linear(noise_units, math.prod(self._first))
        self.body = nn.Sequential(
            _normalization(2 * width),
            *_rise(2 * width, 2 * width),
            *_rise(2 * width, width),
            nn.Conv2d(width, spec.channels, 3, padding=1),
            nn.Tanh(),
        )
        self.standard = nn.BatchNorm2d(spec.channels, affine=False, track_running_stats=False)
        self._scale, self._shift = standard_space(spec)
        fill_evenly(self, generator)

    def forward(self, noise: Noise) -> Images:
        """Images in the input space of ``spec``."""
        drawn = self.body(channels_last(self.linear(noise).unflatten(1, self._first)))
        images: Tensor = self.standard(middle_of(drawn, self._size))
        return channels_last(images * self._scale + self._shift)


class LargeGenerator(nn.Module):
    """A linear layer and four transposed convolutions, bounded to the range of real pixels.

    Source: generator of the larger experiments of Fang et al. 2019, after Radford et al. 2015,
    arXiv 1511.06434. The bounds ±1 of tanh map to the bounds of ``spec.range``, normalized.

    Attributes:
        noise_units: Noise values per image.
    """

    scale: Tensor
    shift: Tensor

    def __init__(
        self, noise_units: int, width: int, spec: InputSpec, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.noise_units, self._size = noise_units, (spec.height, spec.width)
        self._first = (8 * width, *_start(spec, _LARGE_STEP))
        self.linear = nn.Linear(noise_units, math.prod(self._first))
        widths = (8 * width, 4 * width, 2 * width, width, width)
        rises = [
            layer
            for channels, next_channels in pairwise(widths)
            for layer in _deconvolved(channels, next_channels)
        ]
        last = nn.Conv2d(width, spec.channels, 3, padding=1)
        self.body = nn.Sequential(_normalization(8 * width), *rises, last, nn.Tanh())
        scale, shift = _pixel_space(spec)
        self.register_buffer("scale", scale)
        self.register_buffer("shift", shift)
        _fill_narrowly(self, generator)

    def forward(self, noise: Noise) -> Images:
        """Images in the input space of ``spec``."""
        drawn = self.body(channels_last(self.linear(noise).unflatten(1, self._first)))
        return channels_last(middle_of(drawn, self._size) * self.scale + self.shift)


ImageGenerator = SmallGenerator | LargeGenerator


def image_generator(
    spec: InputSpec, *, noise_units: int, width: int, generator: torch.Generator
) -> ImageGenerator:
    """A new generator of images for ``spec``, with weights drawn from ``generator`` only.

    Args:
        width: Channels before the last convolution; earlier layers have two to eight times as many.
    """
    small = max(spec.height, spec.width) <= _LARGEST_SMALL_SIDE
    build = SmallGenerator if small else LargeGenerator
    return build(noise_units, width, spec, generator)


def channels_last(images: Images) -> Images:
    """The same images in channels-last layout, also for a single channel."""
    if images.shape[1] == 1:
        # torch treats one channel as both layouts at once; these strides make it channels-last.
        return images.reshape(len(images), *images.shape[2:], 1).permute(0, 3, 1, 2)
    return images.contiguous(memory_format=torch.channels_last)


def middle_of(
    images: Images, size: tuple[int, int]
) -> Float[Tensor, "image channel height width"]:
    """The central crop of this height and width; differentiable."""
    top, left = (images.shape[-2] - size[0]) // 2, (images.shape[-1] - size[1]) // 2
    return images[..., top : top + size[0], left : left + size[1]]


def _start(spec: InputSpec, step: int) -> tuple[int, int]:
    """Rows and columns before all upsamplings: the size over ``step``, rounded up."""
    return -(-spec.height // step), -(-spec.width // step)


def standard_space(spec: InputSpec) -> tuple[float, float]:
    """Scale and shift from images of mean 0 and variance 1 to the input space."""
    if any(spec.mean) or any(deviation != 1 for deviation in spec.std):
        return 1.0, 0.0
    low, high = spec.range
    return (high - low) / 4, (high + low) / 2


def _pixel_space(spec: InputSpec) -> tuple[Tensor, Tensor]:
    """Scale and shift (1, channel, 1, 1) that map [-1, 1] to the normalized range."""
    low, high = spec.range
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (spec.mean, spec.std))
    return (high - low) / 2 / std, ((high + low) / 2 - mean) / std


def _normalization(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, track_running_stats=False)


def _rise(channels: int, width: int) -> Iterator[nn.Module]:
    """Nearest-neighbor upsampling to twice the side, then a convolution."""
    yield nn.Upsample(scale_factor=2, mode="nearest")
    yield nn.Conv2d(channels, width, 3, padding=1)
    yield _normalization(width)
    yield nn.LeakyReLU(_SLOPE, inplace=True)


def _deconvolved(channels: int, width: int) -> Iterator[nn.Module]:
    """A transposed convolution to twice the side."""
    yield nn.ConvTranspose2d(channels, width, 4, stride=2, padding=1, bias=False)
    yield _normalization(width)
    yield nn.LeakyReLU(_SLOPE, inplace=True)


def fill_evenly(network: nn.Module, generator: torch.Generator) -> None:
    """Draws weights and biases uniformly within ±1/√(inputs)."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            bound = 1 / math.sqrt(module.weight[0].numel())
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            assert module.bias is not None
            nn.init.uniform_(module.bias, -bound, bound, generator=generator)


def _fill_narrowly(network: nn.Module, generator: torch.Generator) -> None:
    """Draws weights from N(0, 0.02²), or N(1, 0.02²) in normalization; biases are 0."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, _SPREAD, generator=generator)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, _SPREAD, generator=generator)
        if getattr(module, "bias", None) is not None:
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
