"""Calls whose weights are constants: the same values as aten's, and a cheaper gradient of the images.

Axes: ``image channel row column`` of maps, ``out in height width`` of kernels.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

_FEW_CHANNELS = 4

Maps = Float[Tensor, "image channel row column"]
Kernel = Float[Tensor, "out in height width"]


@dataclass(frozen=True)
class Geometry:
    """How a convolution's kernel moves over rows and columns."""

    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int


class _Convolution(torch.autograd.Function):
    """A convolution, differentiable in its maps alone."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Tensor:
        maps, kernel, bias, geometry = arguments
        ctx.save_for_backward(maps, kernel)
        ctx.geometry = geometry
        return functional.conv2d(
            maps,
            kernel,
            bias,
            geometry.stride,
            geometry.padding,
            geometry.dilation,
            geometry.groups,
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        maps, kernel = ctx.saved_tensors
        gradient = gradient_of_maps(gradients[0], maps, kernel, ctx.geometry)
        return gradient, None, None, None


def convolution(maps: Maps, kernel: Kernel, bias: Tensor | None, geometry: Geometry) -> Tensor:
    """The convolution, differentiable in ``maps`` alone."""
    result: Tensor = _Convolution.apply(maps, kernel, bias, geometry)  # type: ignore[no-untyped-call]
    return result


def gradient_of_maps(gradient: Tensor, maps: Maps, kernel: Kernel, geometry: Geometry) -> Maps:
    """The gradient of a convolution's maps, by the cheapest of three equal ways.

    A kernel of one pixel is a matrix product, for which aten's backward pass clears and copies
    more memory than it computes. A stride over few channels, as over the image itself, leaves most
    of a vector register empty. Everything else is fastest in aten's own backward pass.
    """
    if gradient.device.type == "cpu" and _is_product_of_pixels(kernel, geometry):
        return functional.conv2d(gradient, kernel.to(gradient.dtype).transpose(0, 1))
    if gradient.device.type == "cpu" and _leaves_lanes_empty(kernel, geometry):
        return _by_sub_pixels(gradient, maps, kernel.to(gradient.dtype), geometry)
    result: Tensor = torch.ops.aten.convolution_backward(
        gradient, maps.to(gradient.dtype), kernel.to(gradient.dtype), None,
        geometry.stride, geometry.padding, geometry.dilation, False, (0, 0),  # noqa: FBT003 - torch's own signature
        geometry.groups, (True, False, False),
    )[0]  # fmt: skip
    return result


def _is_product_of_pixels(kernel: Tensor, geometry: Geometry) -> bool:
    plain = geometry.stride == (1, 1) and geometry.padding == (0, 0) and geometry.groups == 1
    return plain and kernel.shape[2:] == (1, 1)


def _leaves_lanes_empty(kernel: Tensor, geometry: Geometry) -> bool:
    rows, columns = geometry.stride
    strided = rows == columns > 1 and geometry.dilation == (1, 1) and geometry.groups == 1
    return strided and kernel.shape[1] <= _FEW_CHANNELS


def _by_sub_pixels(gradient: Tensor, maps: Maps, kernel: Kernel, geometry: Geometry) -> Maps:
    """The gradient as one convolution without stride whose channels are then laid out as pixels.

    Pixel s·q + r of the padded maps receives Σ_t g[q − t]·K[s·t + r], s the stride: one kernel of
    ⌈size/s⌉ taps for each of the s² remainders r.

    Source: Shi et al. 2016, arXiv:1609.07009, section 2: a transposed convolution by sub-pixels.
    """
    stride = geometry.stride[0]
    out, channels, *size = kernel.shape
    taps = [math.ceil(length / stride) for length in size]
    missing = [stride * count - length for count, length in zip(taps, size, strict=True)]
    padded = functional.pad(kernel, (0, missing[1], 0, missing[0]))
    parts = padded.view(out, channels, taps[0], stride, taps[1], stride).flip(2, 4)
    of_remainders = parts.permute(1, 3, 5, 0, 2, 4).reshape(channels * stride * stride, out, *taps)
    full = functional.conv2d(gradient, of_remainders, padding=(taps[0] - 1, taps[1] - 1))
    return _window(functional.pixel_shuffle(full, stride), maps.shape[2:], geometry.padding)


def _window(full: Maps, size: torch.Size, start: tuple[int, int]) -> Maps:
    """``size`` pixels from ``start`` on, zero where ``full`` ends."""
    missing = [
        max(0, begin + length - available)
        for begin, length, available in zip(start, size, full.shape[2:], strict=True)
    ]
    wide = functional.pad(full, (0, missing[1], 0, missing[0])) if any(missing) else full
    return wide[:, :, start[0] : start[0] + size[0], start[1] : start[1] + size[1]]


class _Scaled(torch.autograd.Function):
    """Each channel times a constant plus a constant."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        ctx.save_for_backward(scale)
        return torch.addcmul(shift, maps, scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (scale,) = ctx.saved_tensors
        return gradients[0] * scale, None, None


def scaled(
    maps: Tensor, scale: Float[Tensor, " channel"], shift: Float[Tensor, " channel"]
) -> Tensor:
    """A normalization with fixed statistics: each channel times ``scale`` plus ``shift``."""
    axes = (1, -1, *[1] * (maps.ndim - 2))
    result: Tensor = _Scaled.apply(maps, scale.view(axes), shift.view(axes))  # type: ignore[no-untyped-call]
    return result


class _PRelu(torch.autograd.Function):
    """Values z above 0 and w·z below, without the gradient of w that aten computes in any case."""

    @staticmethod
    def forward(ctx: Any, preactivation: Tensor, slope: Tensor) -> Tensor:
        ctx.save_for_backward(preactivation, slope)
        return torch.prelu(preactivation, slope)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        preactivation, slope = ctx.saved_tensors
        axes = (1, -1, *[1] * (preactivation.ndim - 2))
        below = slope.view(axes if preactivation.ndim > 1 else (-1,)).to(gradients[0].dtype)
        above_zero = torch.ops.aten.threshold_backward(gradients[0], preactivation, 0)
        # Selecting by a mask takes several times as long as these products.
        return torch.addcmul(gradients[0] * below, above_zero, 1 - below), None


def prelu(preactivation: Tensor, slope: Float[Tensor, " channel"]) -> Tensor:
    """Values z above 0 and w·z below."""
    result: Tensor = _PRelu.apply(preactivation, slope)  # type: ignore[no-untyped-call]
    return result


class _Clamp(torch.autograd.Function):
    """Values within bounds; the gradient passes where z lies between them, bounds included."""

    @staticmethod
    def forward(ctx: Any, preactivation: Tensor, low: float, high: float) -> Tensor:
        ctx.save_for_backward(preactivation)
        ctx.bounds = (_next(low, -math.inf), _next(high, math.inf))
        return torch.clamp(preactivation, low, high)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (preactivation,) = ctx.saved_tensors
        low, high = ctx.bounds
        # Its bounds are excluded, hence the neighbors of clamp's.
        gradient = torch.ops.aten.hardtanh_backward(gradients[0], preactivation, low, high)
        return gradient, None, None


def clamp(preactivation: Tensor, low: float | None, high: float | None = None) -> Tensor:
    """Values within bounds."""
    bounds = (-math.inf if low is None else low, math.inf if high is None else high)
    result: Tensor = _Clamp.apply(preactivation, *bounds)  # type: ignore[no-untyped-call]
    return result


def _next(bound: float, direction: float) -> float:
    """The float32 beside ``bound``."""
    start = torch.tensor(bound, dtype=torch.float32)
    return float(torch.nextafter(start, torch.tensor(direction)))
