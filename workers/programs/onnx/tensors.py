"""Tensors of an ONNX file as views of its bytes, after checking every shape against them."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from service.core.file_types import PACK
from workers.programs import limits
from workers.programs.onnx.wire import Message, broken
from workers.programs.refusal import ProgramRefusedError

_DIMS, _TYPE, _SEGMENT, _FLOATS, _INT32S, _STRINGS, _INT64S, _NAME = 1, 2, 3, 4, 5, 6, 7, 8
_RAW, _DOUBLES, _UINT64S, _EXTERNAL, _LOCATION = 9, 10, 11, 13, 14

DTYPES = {
    1: torch.float32, 2: torch.uint8, 3: torch.int8, 5: torch.int16, 6: torch.int32, 7: torch.int64,
    9: torch.bool, 10: torch.float16, 11: torch.float64, 16: torch.bfloat16,
}  # fmt: skip
_QUANTIZED = {17, 18, 19, 20, 21, 22, 23, 24, 25, 26}
_AS_INT32 = {2, 3, 5, 6, 9, 10, 16}
_BITS = {torch.float16, torch.bfloat16}
_NUMPY_TYPES: dict[torch.dtype, Any] = {
    torch.float32: np.float32, torch.float64: np.float64, torch.float16: np.float16,
    torch.bfloat16: np.uint16, torch.uint8: np.uint8, torch.int8: np.int8, torch.int16: np.int16,
    torch.int32: np.int32, torch.int64: np.int64, torch.bool: np.uint8,
}  # fmt: skip


Numbers = NDArray[Any]


@dataclass(frozen=True)
class OnnxTensor:
    """A tensor of the file; ``data`` are its bytes, or its numbers where the file lists them."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    data: memoryview | tuple[int, ...]

    @property
    def elements(self) -> int:
        """Number of elements, 1 for a scalar."""
        return math.prod(self.shape)

    def tensor(self) -> Tensor:
        """The tensor: a view of the file's bytes if they are aligned, and floats as float32."""
        values = self._values().reshape(self.shape)
        return values.float() if values.is_floating_point() else values

    def array(self) -> Numbers:
        """A small tensor as numbers that the reader itself computes with; floats as float32."""
        return self._numbers().reshape(self.shape)

    def _numbers(self) -> Numbers:
        """The numbers, without torch, which has none while it traces."""
        kind = _NUMPY_TYPES[self.dtype]
        if isinstance(self.data, tuple):
            bits = self.dtype in _BITS
            numbers = np.array(
                [number & 0xFFFF if bits else number for number in self.data], np.int64
            )
            raw = numbers.astype(np.uint16).view(kind) if bits else numbers.astype(kind)
        else:
            raw = np.frombuffer(self.data, kind).copy()
        if self.dtype is torch.bfloat16:
            return (raw.astype(np.uint32) << 16).view(np.float32)
        if self.dtype.is_floating_point:
            return raw.astype(np.float32)
        return raw != 0 if self.dtype is torch.bool else raw

    def _values(self) -> Tensor:
        if self.elements == 0:
            return torch.empty(self.shape, dtype=self.dtype)
        if isinstance(self.data, tuple):
            return torch.from_numpy(self._numbers())
        if self.dtype is torch.bool:
            return torch.frombuffer(self.data, dtype=torch.uint8) != 0
        flat = torch.frombuffer(self.data, dtype=self.dtype)
        if flat.data_ptr() % flat.element_size():
            return torch.frombuffer(bytearray(self.data), dtype=self.dtype)
        return flat


def read_tensor(message: Message, *, owner: str = "") -> OnnxTensor:
    """A tensor whose bytes are all there.

    Args:
        message: The tensor's message.
        owner: The node that holds it, for errors, if it has no name.

    Raises:
        ProgramRefusedError: ``external_data``, ``dtype_not_allowed``, ``quantized_network``,
            ``size_out_of_range``, ``weight_out_of_bounds`` or ``broken_onnx``.
    """
    name = message.text(_NAME)
    shown = (name or owner)[:80]
    if message.has(_EXTERNAL) or message.number(_LOCATION):
        raise ProgramRefusedError(
            "external_data",
            f"the values of {shown!r} are in another file",
            "save the network as one file: onnx.save_model(model, path, save_as_external_data=False)",
        )
    code = message.number(_TYPE)
    if code in _QUANTIZED:
        raise quantized(f"{shown!r} has an 8-bit floating-point or 4-bit type")
    if code not in DTYPES or message.has(_SEGMENT):
        raise ProgramRefusedError(
            "dtype_not_allowed",
            f"{shown!r} has the unsupported element type {code}",
            "export the network in float32",
        )
    shape = _shape(message, shown)
    tensor = OnnxTensor(name, DTYPES[code], shape, _data(message, code, math.prod(shape)))
    _check_length(tensor, shown)
    return tensor


def quantized(detail: str) -> ProgramRefusedError:
    """The error for a quantized network."""
    return ProgramRefusedError(
        "quantized_network",
        detail,
        "upload the network as it was before quantization: rounded steps have no gradients",
    )


def _shape(message: Message, shown: str) -> tuple[int, ...]:
    sizes = message.numbers(_DIMS, at_most=limits.LIST_ITEMS)
    if len(sizes) > limits.RANK or any(not 0 <= size <= limits.DIMENSION for size in sizes):
        raise ProgramRefusedError(
            "size_out_of_range", f"{shown!r} has an impossible shape", "export the network again"
        )
    if math.prod(sizes) > limits.PARAMETERS:
        raise ProgramRefusedError(
            "too_many_parameters",
            f"{shown!r} has more than 2·10⁹ elements",
            "upload a smaller network",
        )
    return tuple(sizes)


def _data(message: Message, code: int, count: int) -> memoryview | tuple[int, ...]:
    """The values in the one field that holds them."""
    fields = [
        field
        for field in (_RAW, _FLOATS, _DOUBLES, _INT32S, _INT64S, _UINT64S, _STRINGS)
        if message.has(field)
    ]
    if not fields:
        return memoryview(b"")
    expected = {1: _FLOATS, 11: _DOUBLES, 7: _INT64S} | dict.fromkeys(_AS_INT32, _INT32S)
    if len(fields) > 1 or fields[0] not in {_RAW, expected[code]}:
        raise broken("the values of a tensor do not have its type")
    if fields[0] in {_INT32S, _INT64S}:
        return tuple(message.numbers(fields[0], at_most=min(count, limits.ONNX_LISTED_NUMBERS)))
    return message.block(fields[0]) or memoryview(b"")


def _check_length(tensor: OnnxTensor, shown: str) -> None:
    width = torch.empty((), dtype=tensor.dtype).element_size()
    is_listed = isinstance(tensor.data, tuple)
    needed = tensor.elements if is_listed else tensor.elements * width
    if len(tensor.data) != needed:
        raise ProgramRefusedError(
            "weight_out_of_bounds",
            f"{shown!r} needs {needed} {'numbers' if is_listed else 'bytes'} and has {len(tensor.data)}",
            f"export the network again, or {PACK}",
        )
