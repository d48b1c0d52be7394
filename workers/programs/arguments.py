"""Arguments of a node: constants, names of other values, or lists of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from workers.programs import limits
from workers.programs.bounded_json import checked, field, union
from workers.programs.refusal import ProgramRefusedError

NAMES_ONLY = "export on a CPU, without script objects, control flow or custom operators"
DTYPES: dict[int, torch.dtype] = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
_MEMORY_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    4: torch.preserve_format,
}
_STRIDED = 7


@dataclass(frozen=True)
class Ref:
    """The value called ``name``: a tensor or a number made by an earlier node."""

    name: str


@dataclass(frozen=True)
class OwnDevice:
    """The device on which the program runs; that of the export is ignored."""


def read_argument(record: dict[str, Any]) -> Any:
    """One argument: a constant, a ``Ref``, or a list of them.

    Raises:
        ProgramRefusedError: ``argument_not_allowed``.
    """
    tag, value = union(record)
    if tag in _LISTS:
        items = checked(value, list, what=tag)
        if len(items) > limits.LIST_ITEMS:
            raise ProgramRefusedError("graph_too_large", "a list argument is too long")
        return [_LISTS[tag](item) for item in items]
    if tag in _SCALARS:
        return _SCALARS[tag](value)
    raise ProgramRefusedError(
        "argument_not_allowed", f"arguments of kind {tag[:40]} are not supported", NAMES_ONLY
    )


def tensor_name(record: Any) -> str:
    """The name in ``{"name": …}``."""
    return field(record, "name", str)


def read_dtype(code: int) -> torch.dtype:
    """The element type for its number in an export.

    Raises:
        ProgramRefusedError: ``dtype_not_allowed``.
    """
    if code not in DTYPES:
        raise ProgramRefusedError(
            "dtype_not_allowed",
            f"element type {str(code)[:20]} is not supported",
            "convert the network with .float() before exporting",
        )
    return DTYPES[code]


def _integer(value: Any) -> int:
    number = checked(value, int, what="an integer")
    if abs(number) >= limits.INTEGER * 2:
        raise ProgramRefusedError("size_out_of_range", "an integer is out of range")
    return number


def _float(value: Any) -> float:
    """A float; infinities and NaN are written as strings."""
    if isinstance(value, str) and value in {"Infinity", "-Infinity", "NaN"}:
        return float(value)
    return float(_integer(value)) if isinstance(value, int) else checked(value, float, what="a float")  # fmt: skip


def _symbolic(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read_either(record: Any) -> Any:
        tag, value = union(record)
        return Ref(checked(value, str, what=tag)) if tag == "as_name" else read(value)

    return read_either


def _text(value: Any) -> str:
    return checked(value, str, what="a string")[:1000]


def _truth(value: Any) -> bool:
    return checked(value, bool, what="a truth value")


def _nothing(_: Any) -> None:
    return None


def _maybe_tensor(record: Any) -> Ref | None:
    tag, value = union(record)
    return Ref(tensor_name(value)) if tag == "as_tensor" else None


def _memory_format(value: Any) -> torch.memory_format:
    if value not in _MEMORY_FORMATS:
        raise ProgramRefusedError("argument_not_allowed", "an unknown memory format", NAMES_ONLY)
    return _MEMORY_FORMATS[value]


def _layout(value: Any) -> torch.layout:
    if value != _STRIDED:
        raise ProgramRefusedError(
            "argument_not_allowed", "sparse tensors are not supported", NAMES_ONLY
        )
    return torch.strided


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "as_none": _nothing,
    "as_tensor": lambda value: Ref(tensor_name(value)),
    "as_optional_tensor": _maybe_tensor,
    "as_int": _integer,
    "as_float": _float,
    "as_bool": _truth,
    "as_string": _text,
    "as_sym_int": _symbolic(_integer),
    "as_sym_float": _symbolic(_float),
    "as_sym_bool": _symbolic(_truth),
    "as_scalar_type": lambda value: read_dtype(checked(value, int, what="a dtype")),
    "as_memory_format": _memory_format,
    "as_layout": _layout,
    "as_device": lambda _: OwnDevice(),
}
_LISTS: dict[str, Callable[[Any], Any]] = {
    "as_tensors": lambda value: Ref(tensor_name(value)),
    "as_optional_tensors": _maybe_tensor,
    "as_ints": _integer,
    "as_floats": _float,
    "as_bools": _truth,
    "as_strings": _text,
    "as_sym_ints": _symbolic(_integer),
    "as_sym_floats": _symbolic(_float),
    "as_sym_bools": _symbolic(_truth),
}
