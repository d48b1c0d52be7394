"""Convolutions and their transposes."""

from collections.abc import Callable, Mapping

from torch import Tensor
from torch.nn import functional

from workers.programs.onnx.call import Call
from workers.programs.onnx.operators.windows import Window, window_of

_CONVOLVE: Mapping[int, Callable[..., Tensor]] = {
    1: functional.conv1d,
    2: functional.conv2d,
    3: functional.conv3d,
}
_TRANSPOSE: Mapping[int, Callable[..., Tensor]] = {
    1: functional.conv_transpose1d,
    2: functional.conv_transpose2d,
    3: functional.conv_transpose3d,
}


def _conv(call: Call) -> Tensor:
    images, weight = call.tensor(0), call.tensor(1)
    window = _window(call, images, weight)
    if window.is_symmetric and min(window.before) >= 0:
        padding = window.before
    else:
        images, padding = window.padded(images), (0,) * len(window.kernel)
    return _CONVOLVE[len(window.kernel)](
        images,
        weight,
        call.optional_tensor(2),
        stride=window.stride,
        padding=padding,
        dilation=window.dilation,
        groups=call.attributes.integer("group", 1),
    )


def _window(call: Call, images: Tensor, weight: Tensor) -> Window:
    kernel = tuple(weight.shape[2:])
    if len(kernel) not in _CONVOLVE or images.ndim != weight.ndim:
        raise call.refused("convolves along an unsupported number of axes")
    declared = call.attributes.integers("kernel_shape")
    if declared is not None and tuple(declared) != kernel:
        raise call.attributes.unfit("kernel_shape")
    return window_of(call, kernel, tuple(images.shape[2:]))


def _conv_transpose(call: Call) -> Tensor:
    images, weight = call.tensor(0), call.tensor(1)
    window = _window(call, images, weight)
    rank = len(window.kernel)
    extra = tuple(call.attributes.integers("output_padding") or (0,) * rank)
    if call.attributes.integers("output_shape") is not None or len(extra) != rank:
        raise call.attributes.unfit("output_shape")
    mode = call.attributes.text("auto_pad", "NOTSET")
    before, after = window.before, window.after
    if mode.startswith("SAME"):
        before, after = _cropped_to_steps(window, extra, upper=mode == "SAME_UPPER")
    result = _TRANSPOSE[rank](
        images,
        weight,
        call.optional_tensor(2),
        stride=window.stride,
        padding=before if before == after else 0,
        output_padding=extra,
        groups=call.attributes.integer("group", 1),
        dilation=window.dilation,
    )
    return result if before == after else _cropped(result, before, after)


def _cropped_to_steps(
    window: Window, extra: tuple[int, ...], *, upper: bool
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What is cut off so that an axis of n pixels gives n · stride results."""
    totals = [
        extra[axis] + (size - 1) * window.dilation[axis] + 1 - window.stride[axis]
        for axis, size in enumerate(window.kernel)
    ]
    less = tuple(max(total, 0) // 2 for total in totals)
    more = tuple(max(total, 0) - half for total, half in zip(totals, less, strict=True))
    return (less, more) if upper else (more, less)


def _cropped(images: Tensor, before: tuple[int, ...], after: tuple[int, ...]) -> Tensor:
    for axis, (first, last) in enumerate(zip(before, after, strict=True), 2):
        images = images.narrow(axis, first, images.shape[axis] - first - last)
    return images


CONVOLUTIONS: Mapping[str, Callable[[Call], Tensor]] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
}
