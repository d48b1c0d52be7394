"""Reductions along axes: sums, means, norms, extremes."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workers.programs.onnx.call import Call, Result, Value
from workers.programs.onnx.tensors import Numbers

Axes = list[int]


def _reduction(
    on_tensors: Callable[[Tensor, Axes, bool], Tensor],
    on_numbers: Callable[..., Any] | None = None,
) -> Callable[[Call], Value]:
    """A reduction over the axes in an attribute, or since opset 13 or 18 in an input."""

    def compute(call: Call) -> Value:
        value, axes = call.value(0), _axes(call)
        keep = call.attributes.flag("keepdims", default=True)
        if axes is None and call.attributes.flag("noop_with_empty_axes"):
            return value
        if isinstance(value, np.ndarray) and on_numbers is not None:
            along = None if axes is None else tuple(axes)
            return np.asarray(on_numbers(value, axis=along, keepdims=keep))
        images = call.tensor(0)
        return on_tensors(images, list(range(images.ndim)) if axes is None else axes, keep)

    return compute


def _axes(call: Call) -> Axes | None:
    """The axes; None for all of them."""
    if call.has(1):
        return [int(axis) for axis in call.integers(1)] or None
    return call.attributes.integers("axes")


def _product(images: Tensor, axes: Axes, keep: bool) -> Tensor:  # noqa: FBT001
    for axis in sorted((axis % images.ndim for axis in axes), reverse=True):
        images = images.prod(dim=axis, keepdim=keep)
    return images


def _product_of_numbers(numbers: Numbers, **along: Any) -> Any:
    symbols = [item for item in numbers.reshape(-1).tolist() if isinstance(item, torch.SymInt)]
    if len(symbols) > 1:
        raise TypeError("a product of two sizes of the free batch axis")
    return np.prod(numbers, **along)


def _norm(order: float) -> Callable[[Tensor, Axes, bool], Tensor]:
    return lambda images, axes, keep: torch.linalg.vector_norm(images, order, dim=axes, keepdim=keep)  # fmt: skip


def _position(find: Callable[..., Tensor]) -> Callable[[Call], Tensor]:
    """The first position of an extreme value."""

    def compute(call: Call) -> Tensor:
        if call.attributes.flag("select_last_index"):
            raise call.attributes.unfit("select_last_index")
        keep = call.attributes.flag("keepdims", default=True)
        return find(call.tensor(0), dim=call.attributes.integer("axis", 0), keepdim=keep)

    return compute


def _top_k(call: Call) -> Result:
    largest = call.attributes.flag("largest", default=True)
    call.attributes.flag("sorted", default=True)
    values, positions = torch.topk(
        call.tensor(0), int(call.scalar(1)), call.attributes.integer("axis", -1), largest
    )
    return values, positions


def _cumulative_sum(call: Call) -> Tensor:
    images, axis = call.tensor(0), int(call.scalar(1))
    backwards = call.attributes.flag("reverse")
    images = images.flip(axis) if backwards else images
    sums = images.cumsum(axis)
    if call.attributes.flag("exclusive"):
        sums = sums - images
    return sums.flip(axis) if backwards else sums


REDUCTIONS: Mapping[str, Callable[[Call], Result]] = {
    "ReduceMean": _reduction(lambda images, axes, keep: images.mean(dim=axes, keepdim=keep)),
    "ReduceSum": _reduction(lambda images, axes, keep: images.sum(dim=axes, keepdim=keep), np.sum),
    "ReduceMax": _reduction(
        lambda images, axes, keep: images.amax(dim=axes, keepdim=keep), np.max
    ),
    "ReduceMin": _reduction(
        lambda images, axes, keep: images.amin(dim=axes, keepdim=keep), np.min
    ),
    "ReduceProd": _reduction(_product, _product_of_numbers),
    "ReduceL1": _reduction(_norm(1.0)),
    "ReduceL2": _reduction(_norm(2.0)),
    "ReduceSumSquare": _reduction(
        lambda images, axes, keep: images.square().sum(dim=axes, keepdim=keep)
    ),
    "ReduceLogSum": _reduction(
        lambda images, axes, keep: images.sum(dim=axes, keepdim=keep).log()
    ),
    "ReduceLogSumExp": _reduction(
        lambda images, axes, keep: torch.logsumexp(images, dim=axes, keepdim=keep)
    ),
    "ArgMax": _position(torch.argmax),
    "ArgMin": _position(torch.argmin),
    "TopK": _top_k,
    "CumSum": _cumulative_sum,
}
