"""Constants, ranges, slices and look-ups."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workers.programs import limits
from workers.programs.onnx.call import Call, Value, as_tensor, fits_numbers
from workers.programs.onnx.tensors import DTYPES, Numbers

_MATRIX = 2


def _constant_of_shape(call: Call) -> Value:
    sizes = call.integers(0)
    stated = call.attributes.tensor("value")
    value = np.zeros(1, np.float32) if stated is None else stated.array()
    if value.size != 1:
        raise call.attributes.unfit("value")
    if value.dtype.kind != "f" and len(sizes) == 1 and fits_numbers(sizes[0]):
        return np.full(sizes, value.reshape(()).item(), value.dtype)
    number: Any = value.reshape(()).item()
    return torch.full(sizes, number, dtype=as_tensor(value).dtype)


def _range(call: Call) -> Value:
    start, limit, step = (call.scalar(position) for position in range(3))
    whole = all(type(number) is int for number in (start, limit, step))
    if whole and step and fits_numbers(max(0, -(-(limit - start) // step))):
        return np.arange(start, limit, step)
    return torch.arange(start, limit, step)


def _slice(call: Call) -> Value:
    value = call.value(0)
    starts, ends = call.integers(1), call.integers(2)
    axes = [int(axis) for axis in call.integers(3)] if call.has(3) else list(range(len(starts)))
    steps = [int(step) for step in call.integers(4)] if call.has(4) else [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise call.refused("does not slice every axis with one start, end and step")
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if isinstance(value, np.ndarray):
            value = value[(slice(None),) * (axis % value.ndim) + (slice(int(start), int(end), step),)]  # fmt: skip
        else:
            value = _sliced(value, slice(start, end, step), axis)
    return value


def _sliced(value: Tensor, part: slice, axis: int) -> Tensor:
    if part.step > 0:
        sliced: Tensor = torch.ops.aten.slice.Tensor(value, axis, part.start, part.stop, part.step)
        return sliced
    positions = range(value.shape[axis])[part]
    if part.step == -1 and len(positions) == value.shape[axis]:
        return value.flip(axis)
    if len(positions) > limits.ONNX_LISTED_NUMBERS:
        raise ValueError(f"{len(positions)} steps backwards")
    return value.index_select(axis, torch.tensor(list(positions)))


def _gather(call: Call) -> Value:
    value, indices = call.value(0), call.value(1)
    axis = call.attributes.integer("axis", 0)
    if (
        isinstance(value, np.ndarray)
        and isinstance(indices, np.ndarray)
        and fits_numbers(value.size * indices.size)
    ):
        return np.asarray(np.take(value, indices.astype(np.int64), axis))
    table = as_tensor(value)
    axis %= table.ndim
    if isinstance(indices, np.ndarray):
        return _taken(table, _from_start(indices, table.shape[axis]), axis)
    flat = table.index_select(axis, indices.reshape(-1))
    return flat.reshape(*table.shape[:axis], *indices.shape, *table.shape[axis + 1 :])


def _from_start(indices: Numbers, size: Any) -> Numbers:
    """Indices counted from the start of an axis."""
    return np.where(indices < 0, indices + size, indices) if (indices < 0).any() else indices


def _taken(table: Tensor, indices: Numbers, axis: int) -> Tensor:
    if indices.ndim == 0:
        return table.select(axis, indices.item())
    flat = indices.reshape(-1).tolist()
    if flat == list(range(flat[0], flat[0] + len(flat))) if flat else False:
        part = table.narrow(axis, flat[0], len(flat))
    else:
        part = table.index_select(axis, torch.tensor(flat, dtype=torch.int64))
    if indices.ndim == 1:
        return part
    return part.reshape(*table.shape[:axis], *indices.shape, *table.shape[axis + 1 :])


def _gather_elements(call: Call) -> Value:
    value, indices = call.tensor(0), call.tensor(1)
    axis = call.attributes.integer("axis", 0)
    size = value.shape[axis]
    return value.gather(axis, torch.where(indices < 0, indices + size, indices))


def _gather_nd(call: Call) -> Value:
    if call.attributes.integer("batch_dims", 0):
        raise call.attributes.unfit("batch_dims")
    return call.tensor(0)[_coordinates(call)]


def _scatter_elements(call: Call) -> Value:
    if call.attributes.text("reduction", "none") != "none":
        raise call.attributes.unfit("reduction")
    axis = call.attributes.integer("axis", 0)
    return call.tensor(0).scatter(axis, call.tensor(1), call.tensor(2))


def _scatter_nd(call: Call) -> Value:
    if call.attributes.text("reduction", "none") != "none":
        raise call.attributes.unfit("reduction")
    return call.tensor(0).index_put(_coordinates(call), call.tensor(2))


def _coordinates(call: Call) -> tuple[Tensor, ...]:
    """The positions along the first axes."""
    indices = call.tensor(1)
    if not 0 < indices.shape[-1] <= call.value(0).ndim:
        raise call.refused("has positions of more axes than the tensor")
    return indices.unbind(-1)


def _triangle(call: Call) -> Value:
    offset = int(call.scalar(1)) if call.has(1) else 0
    upper = call.attributes.flag("upper", default=True)
    return torch.triu(call.tensor(0), offset) if upper else torch.tril(call.tensor(0), offset)


def _identity_matrix(call: Call) -> Value:
    like = call.value(0)
    code = call.attributes.integer("dtype", 1)
    if code not in DTYPES or like.ndim != _MATRIX or call.attributes.integer("k", 0):
        raise call.refused("does not make a plain identity matrix")
    kind = DTYPES[code]
    return torch.eye(*like.shape, dtype=torch.float32 if kind.is_floating_point else kind)


def _one_hot(call: Call) -> Value:
    indices, depth = call.tensor(0), int(call.scalar(1))
    off, on = call.numbers(2).tolist()
    axis = call.attributes.integer("axis", -1)
    steps = torch.arange(depth)
    axis = axis % (indices.ndim + 1)
    steps = steps.reshape([depth if at == axis else 1 for at in range(indices.ndim + 1)])
    return torch.where(indices.unsqueeze(axis) % depth == steps, on, off)


INDEXING: Mapping[str, Callable[[Call], Value]] = {
    "ConstantOfShape": _constant_of_shape,
    "Range": _range,
    "Slice": _slice,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "ScatterElements": _scatter_elements,
    "ScatterND": _scatter_nd,
    "Trilu": _triangle,
    "EyeLike": _identity_matrix,
    "OneHot": _one_hot,
}
