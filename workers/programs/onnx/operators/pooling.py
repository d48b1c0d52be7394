"""Pooling over windows and over whole images."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from workers.programs.onnx.call import Call
from workers.programs.onnx.operators.windows import Window, window_of

_MAXIMUM: Mapping[int, Callable[..., Tensor]] = {
    1: functional.max_pool1d,
    2: functional.max_pool2d,
    3: functional.max_pool3d,
}
_AVERAGE: Mapping[int, Callable[..., Tensor]] = {
    1: functional.avg_pool1d,
    2: functional.avg_pool2d,
    3: functional.avg_pool3d,
}
_IMAGES_RANK = 4


def _window(call: Call, images: Tensor) -> Window:
    kernel = tuple(call.attributes.integers("kernel_shape") or ())
    if len(kernel) not in _MAXIMUM or images.ndim != len(kernel) + 2 or min(kernel) < 1:
        raise call.attributes.unfit("kernel_shape")
    return window_of(call, kernel, tuple(images.shape[2:]))


def _max_pool(call: Call) -> Tensor:
    images = call.tensor(0)
    window = _window(call, images)
    if len([name for name in call.node.outputs if name]) > 1:
        raise call.refused("returns the positions of its maxima")
    narrow = all(2 * pad <= size for pad, size in zip(window.before, window.kernel, strict=True))
    padding = window.before if window.is_symmetric and narrow else (0,) * len(window.kernel)
    if padding != window.before or not window.is_symmetric:
        images = window.padded(images, float("-inf"))
    return _MAXIMUM[len(window.kernel)](
        images,
        window.kernel,
        window.stride,
        padding,
        window.dilation,
        ceil_mode=call.attributes.flag("ceil_mode"),
    )


def _average_pool(call: Call) -> Tensor:
    images = call.tensor(0)
    window = _window(call, images)
    counts_padding = call.attributes.flag("count_include_pad")
    ceil_mode = call.attributes.flag("ceil_mode")
    if set(window.dilation) != {1}:
        raise call.attributes.unfit("dilations")
    pool = _AVERAGE[len(window.kernel)]
    narrow = all(2 * pad <= size for pad, size in zip(window.before, window.kernel, strict=True))
    if window.is_symmetric and narrow:
        return pool(images, window.kernel, window.stride, window.before, ceil_mode, counts_padding)
    plain = window.kernel, window.stride, 0, ceil_mode
    sums = pool(window.padded(images), *plain)
    pixels = torch.ones_like(images[:1, :1])
    return sums / pool(window.padded(pixels, 1.0 if counts_padding else 0.0), *plain)


def _global_average(call: Call) -> Tensor:
    images = call.tensor(0)
    if images.ndim == _IMAGES_RANK:
        return functional.adaptive_avg_pool2d(images, 1)
    return images.mean(dim=list(range(2, images.ndim)), keepdim=True)


def _global_maximum(call: Call) -> Tensor:
    images = call.tensor(0)
    return images.amax(dim=list(range(2, images.ndim)), keepdim=True)


POOLING: Mapping[str, Callable[[Call], Tensor]] = {
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global_average,
    "GlobalMaxPool": _global_maximum,
}
