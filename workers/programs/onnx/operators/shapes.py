"""Shapes: sizes, views, joining, splitting and padding."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from workers.programs.onnx.call import (  # fmt: skip
    Call,
    Result,
    Value,
    as_tensor,
    fits_numbers,
    numbers_of,
)

_PAD_MODES = {
    "constant": "constant",
    "reflect": "reflect",
    "edge": "replicate",
    "wrap": "circular",
}
_BLOCK_RANK = 4


def _shape(call: Call) -> Value:
    value = call.value(0)
    start = call.attributes.integer("start", 0)
    end = call.attributes.integer("end", value.ndim)
    return numbers_of(list(value.shape)[start:end])


def _size(call: Call) -> Value:
    value = call.value(0)
    count = value.numel() if isinstance(value, Tensor) else value.size
    return numbers_of([count]).reshape(())


def _reshape(call: Call) -> Value:
    value, sizes = call.value(0), call.integers(1)
    if not call.attributes.flag("allowzero"):
        sizes = [value.shape[at] if size == 0 else size for at, size in enumerate(sizes)]
    if isinstance(value, np.ndarray):
        return value.reshape([int(size) for size in sizes])
    return value.reshape(_with_free_batch(call, value, sizes))


def _with_free_batch(call: Call, value: Tensor, sizes: list[Any]) -> list[Any]:
    """Sizes of a file with a fixed batch, for a batch of any size along the first axis."""
    batch = call.fixed_batch
    is_free = batch is not None and isinstance(value.numel(), torch.SymInt)
    if not is_free or batch is None or not sizes or any(type(size) is not int for size in sizes):
        return sizes
    if sizes[0] == -1 or sizes[0] % batch.exported:
        return sizes
    if -1 not in sizes:
        return [-1, *sizes[1:]]
    return [batch.images * (sizes[0] // batch.exported), *sizes[1:]]


def _flatten(call: Call) -> Value:
    value = call.tensor(0)
    axis = call.attributes.integer("axis", 1)
    axis = axis + value.ndim if axis < 0 else axis
    if axis == 0:
        return value.reshape(1, -1)
    if axis == value.ndim:
        return value.reshape(-1, 1)
    return (value.flatten(0, axis - 1) if axis > 1 else value).flatten(1)


def _transpose(call: Call) -> Value:
    value = call.value(0)
    order = call.attributes.integers("perm") or list(range(value.ndim))[::-1]
    return value.transpose(order) if isinstance(value, np.ndarray) else value.permute(order)


def _axes(call: Call) -> list[int] | None:
    """Axes in an input, or before opset 13 in an attribute."""
    if call.has(1):
        return [int(axis) for axis in call.integers(1)]
    return call.attributes.integers("axes")


def _squeeze(call: Call) -> Value:
    value, axes = call.value(0), _axes(call)
    if axes is None:
        axes = [axis for axis, size in enumerate(value.shape) if size == 1]
    if isinstance(value, np.ndarray):
        return value.squeeze(tuple(axes))
    if any(not -value.ndim <= axis < value.ndim or value.shape[axis] != 1 for axis in axes):
        raise call.refused("removes an axis that does not have the size 1")
    return value.squeeze(axes)


def _unsqueeze(call: Call) -> Value:
    value, axes = call.value(0), _axes(call)
    if axes is None:
        raise call.attributes.unfit("axes")
    rank = value.ndim + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        value = np.expand_dims(value, axis) if isinstance(value, np.ndarray) else value.unsqueeze(axis)  # fmt: skip
    return value


def _concat(call: Call) -> Value:
    values = [call.value(position) for position in range(len(call.values))]
    axis = call.attributes.integer("axis", 0)
    numbers = [value for value in values if isinstance(value, np.ndarray)]
    if len(numbers) == len(values) and fits_numbers(sum(array.size for array in numbers)):
        return np.concatenate(numbers, axis)
    tensors = [as_tensor(value) for value in values]
    if call.fixed_batch is not None and axis % tensors[0].ndim:
        tensors = _of_one_batch(tensors)
    return torch.cat(tensors, axis)


def _of_one_batch(tensors: list[Tensor]) -> list[Tensor]:
    """Tensors that a file made for its fixed batch of 1, repeated for each image."""
    sizes: list[Any] = [tensor.shape[0] for tensor in tensors]
    free = [size for size in sizes if isinstance(size, torch.SymInt)]
    if not free:
        return tensors
    return [
        tensor.expand(free[0], *tensor.shape[1:]) if type(size) is int and size == 1 else tensor
        for tensor, size in zip(tensors, sizes, strict=True)
    ]


def _split(call: Call) -> Result:
    value, axis = call.value(0), call.attributes.integer("axis", 0)
    count = len(call.node.outputs)
    sizes = call.integers(1) if call.has(1) else call.attributes.integers("split")
    parts = call.attributes.integer("num_outputs", count)
    if sizes is None:
        each = -(-value.shape[axis] // parts)
        sizes = [min(each, value.shape[axis] - each * part) for part in range(parts)]
    if len(sizes) != count:
        raise call.refused(f"has {count} outputs for {len(sizes)} parts")
    if isinstance(value, np.ndarray):
        return tuple(np.split(value, np.cumsum(sizes)[:-1], axis))
    return torch.split(value, [int(size) for size in sizes], axis)


def _expand(call: Call) -> Value:
    value, sizes = call.value(0), call.integers(1)
    rank = max(value.ndim, len(sizes))
    sizes = [1] * (rank - len(sizes)) + sizes
    own = [1] * (rank - value.ndim) + list(value.shape)
    wanted = [
        size if type(size) is not int or size != 1 else present
        for size, present in zip(sizes, own, strict=True)
    ]
    if isinstance(value, np.ndarray) and _is_small(wanted):
        return np.broadcast_to(value, wanted)
    return as_tensor(value).expand(wanted)


def _is_small(sizes: list[Any]) -> bool:
    count = 1
    for size in sizes:
        if type(size) is not int:
            return False
        count *= size
    return fits_numbers(count)


def _tile(call: Call) -> Value:
    value, repeats = call.value(0), call.integers(1)
    is_small = isinstance(value, np.ndarray) and _is_small([value.size, *repeats])
    return np.tile(value, repeats) if is_small else call.tensor(0).repeat(repeats)


def _pad(call: Call) -> Value:
    value = call.tensor(0)
    mode = _PAD_MODES.get(call.attributes.text("mode", "constant"))
    if mode is None:
        raise call.attributes.unfit("mode")
    axes = [int(axis) % value.ndim for axis in call.integers(3)] if call.has(3) else list(range(value.ndim))  # fmt: skip
    pads = call.integers(1)
    if len(pads) != 2 * len(axes):
        raise call.refused("does not pad every axis on both sides")
    both = dict(zip(axes, zip(pads[: len(axes)], pads[len(axes) :], strict=True), strict=True))
    padded = [axis for axis, sides in both.items() if any(sides)]
    first = min(padded, default=value.ndim)
    flat = [pad for axis in reversed(range(first, value.ndim)) for pad in both.get(axis, (0, 0))]
    if mode == "constant":
        fill = call.scalar(2) if call.has(2) else 0.0
        return functional.pad(value, flat, value=fill)
    return functional.pad(value, flat, mode=mode)


def _depth_to_space(call: Call) -> Value:
    value, block = call.tensor(0), call.attributes.integer("blocksize", 1)
    if value.ndim != _BLOCK_RANK or block < 1:
        raise call.attributes.unfit("blocksize")
    if call.attributes.text("mode", "DCR") == "CRD":
        return functional.pixel_shuffle(value, block)
    images, channels, height, width = value.shape
    split = value.reshape(images, block, block, channels // block**2, height, width)
    return split.permute(0, 3, 4, 1, 5, 2).reshape(images, -1, height * block, width * block)


def _space_to_depth(call: Call) -> Value:
    value, block = call.tensor(0), call.attributes.integer("blocksize", 1)
    if value.ndim != _BLOCK_RANK or block < 1:
        raise call.attributes.unfit("blocksize")
    images, channels, height, width = value.shape
    split = value.reshape(images, channels, height // block, block, width // block, block)
    return split.permute(0, 3, 5, 1, 2, 4).reshape(
        images, channels * block**2, height // block, width // block
    )


SHAPES: Mapping[str, Callable[[Call], Result]] = {
    "Shape": _shape,
    "Size": _size,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Concat": _concat,
    "Split": _split,
    "Expand": _expand,
    "Tile": _tile,
    "Pad": _pad,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _space_to_depth,
}
