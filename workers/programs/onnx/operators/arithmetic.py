"""Elementwise arithmetic, comparisons and conversions."""

import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workers.programs.onnx.call import Call, Value, all_numbers, as_tensor
from workers.programs.onnx.tensors import DTYPES, Numbers

_NUMPY_TYPES = {
    torch.float32: np.float32, torch.uint8: np.uint8, torch.int8: np.int8, torch.int16: np.int16,
    torch.int32: np.int32, torch.int64: np.int64, torch.bool: np.bool_,
}  # fmt: skip


def _binary(
    on_tensors: Callable[[Any, Any], Tensor], on_numbers: Callable[[Any, Any], Any]
) -> Callable[[Call], Value]:
    """An operator on two values, of which constants with a single number stay numbers."""

    def compute(call: Call) -> Value:
        left, right = call.value(0), call.value(1)
        numbers = all_numbers([left, right])
        if numbers is not None:
            return np.asarray(on_numbers(*numbers))
        return on_tensors(_operand(call, 0, right), _operand(call, 1, left))

    return compute


def _operand(call: Call, position: int, other: Value) -> Any:
    """An operand as a number if that changes neither shape nor type of the result, else as a tensor."""
    value = call.value(position)
    number = call.literal_scalar(position)
    if number is not None and isinstance(other, Tensor) and value.ndim <= other.ndim:
        other_number = call.literal_scalar(1 - position)
        if other_number is None or position == 1:
            return number
    return as_tensor(value)


def _unary(
    on_tensors: Callable[[Tensor], Tensor], on_numbers: Callable[[Any], Any] | None = None
) -> Callable[[Call], Value]:
    """An operator on one value."""

    def compute(call: Call) -> Value:
        value = call.value(0)
        if on_numbers is not None and isinstance(value, np.ndarray):
            return np.asarray(on_numbers(value))
        return on_tensors(as_tensor(value))

    return compute


def _folded(
    on_tensors: Callable[[Tensor, Tensor], Tensor], on_numbers: Callable[[Any, Any], Any]
) -> Callable[[Call], Value]:
    """An operator on any number of values."""

    def compute(call: Call) -> Value:
        values = [call.value(position) for position in range(len(call.values))]
        numbers = all_numbers(values)
        if numbers is not None:
            return np.asarray(functools.reduce(on_numbers, numbers))
        return functools.reduce(on_tensors, map(as_tensor, values))

    return compute


def _divide(left: Any, right: Any) -> Tensor:
    floats = any(
        isinstance(value, float) or (isinstance(value, Tensor) and value.is_floating_point())
        for value in (left, right)
    )
    if floats:
        quotient: Tensor = left / right
        return quotient
    return torch.div(left, right, rounding_mode="trunc")


def _divide_numbers(left: Numbers, right: Numbers) -> Any:
    if left.dtype.kind == "f":
        return left / right
    return left // right


def _mean(call: Call) -> Value:
    values = [call.tensor(position) for position in range(len(call.values))]
    return functools.reduce(operator.add, values) / len(values)


def _modulo(call: Call) -> Value:
    if call.attributes.flag("fmod"):
        return _binary(torch.fmod, np.fmod)(call)
    return _binary(torch.remainder, operator.mod)(call)


def _where(call: Call) -> Value:
    numbers = all_numbers([call.value(position) for position in range(3)])
    if numbers is not None:
        condition, yes, no = numbers
        return np.where(condition.astype(bool), yes, no)
    yes_tensor, no_tensor = call.tensor(1), call.tensor(2)
    return torch.where(call.tensor(0), yes_tensor, no_tensor)


def _cast(call: Call) -> Value:
    code = call.attributes.integer("to", 0)
    call.attributes.integer("saturate", 1)
    if code not in DTYPES:
        raise call.refused(f"converts to the unsupported element type {code}")
    return _converted(call.value(0), DTYPES[code])


def _converted(value: Value, dtype: torch.dtype) -> Value:
    """The value in another type; all floating-point types are float32."""
    wanted = torch.float32 if dtype.is_floating_point else dtype
    if isinstance(value, Tensor):
        return value.to(wanted)
    if value.dtype == object and not dtype.is_floating_point:
        return value
    if value.dtype == object:
        return np.array([float(item) for item in value.reshape(-1)], dtype=np.float32).reshape(value.shape)  # fmt: skip
    return value.astype(_NUMPY_TYPES[wanted])


def _cast_like(call: Call) -> Value:
    like = call.value(1)
    dtype = like.dtype if isinstance(like, Tensor) else as_tensor(like).dtype
    return _converted(call.value(0), dtype)


def _clip(call: Call) -> Value:
    low = call.scalar(1) if call.has(1) else None
    high = call.scalar(2) if call.has(2) else None
    value = call.value(0)
    if isinstance(value, np.ndarray):
        return np.clip(value, low, high)
    return value if low is None and high is None else torch.clamp(value, low, high)


def _power(left: Any, right: Any) -> Tensor:
    return torch.pow(left, right)


def _product_of_numbers(left: Numbers, right: Numbers) -> Any:
    """The product, with one symbol of a free batch axis in each number at most: terms must not grow."""
    if left.dtype == right.dtype == object:
        raise TypeError("a product of two sizes of the free batch axis")
    return left * right


def _power_of_numbers(left: Numbers, right: Numbers) -> Any:
    if object in (left.dtype, right.dtype):
        raise TypeError("a power of a size of the free batch axis")
    return left**right


def _identity(call: Call) -> Value:
    return call.value(0)


def _dropout(call: Call) -> Value:
    if call.has(2) and bool(call.scalar(2)):
        raise call.refused("runs in training mode")
    call.attributes.integer("seed", 0)
    call.attributes.decimal("ratio", 0.5)
    return call.value(0)


ARITHMETIC: Mapping[str, Callable[[Call], Value]] = {
    "Add": _binary(operator.add, operator.add),
    "Sub": _binary(operator.sub, operator.sub),
    "Mul": _binary(operator.mul, _product_of_numbers),
    "Div": _binary(_divide, _divide_numbers),
    "Pow": _binary(_power, _power_of_numbers),
    "Mod": _modulo,
    "Max": _folded(torch.maximum, np.maximum),
    "Min": _folded(torch.minimum, np.minimum),
    "Sum": _folded(operator.add, operator.add),
    "Mean": _mean,
    "Equal": _binary(operator.eq, operator.eq),
    "Greater": _binary(operator.gt, operator.gt),
    "GreaterOrEqual": _binary(operator.ge, operator.ge),
    "Less": _binary(operator.lt, operator.lt),
    "LessOrEqual": _binary(operator.le, operator.le),
    "And": _folded(torch.logical_and, np.logical_and),
    "Or": _folded(torch.logical_or, np.logical_or),
    "Xor": _folded(torch.logical_xor, np.logical_xor),
    "Not": _unary(torch.logical_not, np.logical_not),
    "Abs": _unary(torch.abs, np.abs),
    "Neg": _unary(torch.neg, operator.neg),
    "Sign": _unary(torch.sign, np.sign),
    "Floor": _unary(torch.floor, np.floor),
    "Ceil": _unary(torch.ceil, np.ceil),
    "Round": _unary(torch.round, np.round),
    "Sqrt": _unary(torch.sqrt, np.sqrt),
    "Reciprocal": _unary(torch.reciprocal, np.reciprocal),
    "Exp": _unary(torch.exp),
    "Log": _unary(torch.log),
    "Erf": _unary(torch.erf),
    "Sin": _unary(torch.sin),
    "Cos": _unary(torch.cos),
    "Tan": _unary(torch.tan),
    "Atan": _unary(torch.atan),
    "IsNaN": _unary(torch.isnan),
    "IsInf": _unary(torch.isinf),
    "Where": _where,
    "Cast": _cast,
    "CastLike": _cast_like,
    "Clip": _clip,
    "Identity": _identity,
    "Dropout": _dropout,
}
