"""Raw weights of an archive as tensors, after checking every shape, stride and offset."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from service.core.file_types import PACK
from workers.programs import limits
from workers.programs.arguments import DTYPES
from workers.programs.bounded_json import field, parse_bounded
from workers.programs.refusal import ProgramRefusedError
from workers.programs.sizes import read_fixed_size, read_fixed_sizes
from workers.programs.zip_archive import ZipArchive

_STRIDED = 7
_WIDE_CONSTANT = "call .contiguous() on expanded constants before exporting, or " + PACK


@dataclass(frozen=True)
class Payload:
    """Location and layout of a weight's bytes; ``strides`` count elements."""

    name: str
    member: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int

    @property
    def elements(self) -> int:
        """Number of elements, 1 for a scalar."""
        return math.prod(self.shape)


def read_weights(archive: ZipArchive, model: str) -> dict[str, Tensor]:
    """Parameters, buffers and constants by name; tensors are views of the mapped file.

    Raises:
        ProgramRefusedError: ``pickled_weights``, ``opaque_constant``, or a layout that does not
            fit the bytes.
    """
    payloads = payloads_of(archive, model)
    if len(payloads) > limits.TENSORS:
        raise ProgramRefusedError("graph_too_large", "the archive holds too many tensors")
    if sum(payload.elements for payload in payloads) > limits.PARAMETERS:
        raise ProgramRefusedError(
            "too_many_parameters",
            "the network has more than 2·10⁹ parameters",
            "upload a smaller one",
        )
    storages: dict[str, bytes | bytearray | memoryview] = {}
    for member in dict.fromkeys(payload.member for payload in payloads):
        storages[member] = _storage(archive, member)
    return {payload.name: _tensor(payload, storages[payload.member]) for payload in payloads}


def config_members(model: str) -> tuple[str, str]:
    """The members that describe weights and constants."""
    return (
        f"data/weights/{model}_weights_config.json",
        f"data/constants/{model}_constants_config.json",
    )


def payloads_of(archive: ZipArchive, model: str) -> list[Payload]:
    """Every weight and constant of the model.

    Raises:
        ProgramRefusedError: ``pickled_weights`` or ``opaque_constant``, or an invalid entry.
    """
    return [
        payload
        for member in config_members(model)
        if member in archive.members
        for payload in _payloads(archive, member)
    ]


def _payloads(archive: ZipArchive, member: str) -> list[Payload]:
    """The entries of one configuration file, whose payloads lie in its folder."""
    folder, _, config = member.rpartition("/")
    data = parse_bounded(archive.read(member, at_most=limits.JSON_BYTES), what=config)
    entries = field(data, "config", dict)
    return [_payload(name, entry, f"{folder}/") for name, entry in entries.items()]


def _payload(name: str, entry: Any, folder: str) -> Payload:
    member = field(entry, "path_name", str)
    if entry.get("tensor_meta") is None or member.startswith(("custom_obj", "opaque")):
        raise ProgramRefusedError("opaque_constant", f"{name[:80]} is not a tensor")
    if entry.get("use_pickle") is not False:
        raise ProgramRefusedError("pickled_weights", f"{name[:80]} is stored as a pickle")
    meta = field(entry, "tensor_meta", dict)
    code = field(meta, "dtype", int)
    if code not in DTYPES or field(meta, "layout", int) != _STRIDED:
        raise ProgramRefusedError(
            "dtype_not_allowed", f"{name[:80]} has an unsupported element type or layout"
        )
    shape, strides = read_fixed_sizes(meta.get("sizes")), read_fixed_sizes(meta.get("strides"))
    if len(shape) != len(strides):
        raise ProgramRefusedError("weight_out_of_bounds", f"{name[:80]} has invalid strides")
    offset = read_fixed_size(field(meta, "storage_offset", dict))
    return Payload(name, folder + member, DTYPES[code], shape, strides, offset)


def _storage(archive: ZipArchive, name: str) -> bytes | bytearray | memoryview:
    """The bytes of one member: a view of the file, or a copy if it is compressed."""
    member = archive.member(name)
    if archive.is_stored(name):
        return memoryview(archive.bytes)[member.start : member.start + member.packed_bytes]
    return bytearray(archive.read(name, at_most=limits.ARCHIVE_RATIO * member.packed_bytes))


def _tensor(payload: Payload, storage: bytes | bytearray | memoryview) -> Tensor:
    """A weight as a view of its storage.

    Raises:
        ProgramRefusedError: ``weight_out_of_bounds``, if it exceeds its bytes or has more
            elements than bytes.
    """
    if payload.elements == 0:
        return torch.empty(payload.shape, dtype=payload.dtype)
    width = torch.empty((), dtype=payload.dtype).element_size()
    reach = payload.offset + sum(
        (size - 1) * stride for size, stride in zip(payload.shape, payload.strides, strict=True)
    )
    if (reach + 1) * width > len(storage):
        raise ProgramRefusedError(
            "weight_out_of_bounds", f"{payload.name[:80]} reaches beyond its bytes"
        )
    if payload.elements * width > len(storage):
        raise ProgramRefusedError(
            "weight_out_of_bounds",
            f"{payload.name[:80]} has more elements than bytes",
            _WIDE_CONSTANT,
        )
    return _flat(storage, payload.dtype, width).as_strided(
        payload.shape, payload.strides, payload.offset
    )


def _flat(storage: bytes | bytearray | memoryview, dtype: torch.dtype, width: int) -> Tensor:
    """All whole elements of the storage, copied if they are not aligned."""
    count = len(storage) // width
    flat = torch.frombuffer(storage, dtype=dtype, count=count)
    if dtype is torch.bool:
        return torch.frombuffer(storage, dtype=torch.uint8, count=count) != 0
    if flat.data_ptr() % width:
        return torch.frombuffer(bytearray(storage[: count * width]), dtype=dtype)
    return flat
