"""The header of a safetensors file, checked before the library sees the file.

The format allows headers that take seconds and gigabytes to read; legitimate ones have a few
hundred entries. Every entry must start exactly where the previous one ends.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.programs import limits
from workers.programs.bounded_json import finite, refuse_constant, without_duplicates
from workers.programs.refusal import ProgramRefusedError

_WIDTHS = {
    "BOOL": 1, "U8": 1, "I8": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4, "U32": 4,
    "F32": 4, "F64": 8, "I64": 8, "U64": 8,
}  # fmt: skip
_PREFIX_BYTES = 8
_RESAVE = "write the file with safetensors.torch.save_file and upload it unchanged"


@dataclass(frozen=True)
class TensorEntry:
    """One tensor of the file; ``dtype`` is the format's name, such as "F32"."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def read_header(path: Path) -> dict[str, TensorEntry]:
    """The tensors that a safetensors file declares.

    Raises:
        ProgramRefusedError: ``broken_safetensors`` or ``safetensors_too_large``.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_PREFIX_BYTES), "little")
        if length > limits.SAFETENSORS_HEADER_BYTES:
            raise ProgramRefusedError(
                "safetensors_too_large", f"the header claims {length} bytes", _RESAVE
            )
        if size < _PREFIX_BYTES + length:
            raise _broken("the file is shorter than its header claims")
        data = file.read(length)
    records = _parsed(data)
    entries = {
        name: _entry(name, record) for name, record in records.items() if name != "__metadata__"
    }
    _check_offsets(entries, size - _PREFIX_BYTES - length)
    return entries


def _broken(detail: str) -> ProgramRefusedError:
    return ProgramRefusedError("broken_safetensors", detail, _RESAVE)


def _parsed(data: bytes) -> dict[str, Any]:
    """The header's JSON object; it has one brace per tensor, so braces bound the work."""
    if data.count(b"{") > limits.TENSORS + 2 or data.count(b"[") > 2 * limits.TENSORS + 4:
        raise ProgramRefusedError("safetensors_too_large", "too many tensors", _RESAVE)
    try:
        header = json.loads(
            data,
            object_pairs_hook=without_duplicates,
            parse_constant=refuse_constant,
            parse_float=finite,
        )
    except (ValueError, RecursionError) as error:
        raise _broken("the header is not valid JSON, or names a tensor twice") from error
    if not isinstance(header, dict):
        raise _broken("the header is not an object")
    return header


def _entry(name: str, record: Any) -> TensorEntry:
    if not isinstance(record, dict) or record.keys() != {"dtype", "shape", "data_offsets"}:
        raise _broken(f"the entry of {name[:80]!r} lacks a field, or has a strange one")
    dtype, shape, offsets = record["dtype"], record["shape"], record["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _WIDTHS:
        raise _broken(f"{name[:80]!r} has an element type that is not read")
    if not _are_sizes(shape, limits.DIMENSION) or len(shape) > limits.RANK:
        raise _broken(f"{name[:80]!r} has an impossible shape")
    if not _are_sizes(offsets, limits.INTEGER) or len(offsets) != 2:  # noqa: PLR2004 - start, end
        raise _broken(f"{name[:80]!r} has impossible offsets")
    if offsets[1] - offsets[0] != math.prod(shape) * _WIDTHS[dtype]:
        raise _broken(f"{name[:80]!r} does not fill its bytes")
    return TensorEntry(dtype, tuple(shape), offsets[0], offsets[1])


def _are_sizes(values: Any, greatest: int) -> bool:
    return isinstance(values, list) and all(
        type(value) is int and 0 <= value <= greatest for value in values
    )


def _check_offsets(entries: dict[str, TensorEntry], available: int) -> None:
    """Checks that tensors are contiguous and fill the file."""
    end = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].start, item[1].end)):
        if entry.start != end:
            raise _broken(f"{name[:80]!r} overlaps another tensor or leaves a gap")
        end = entry.end
    if end != available:
        raise _broken("the tensors do not fill the file")
    total = sum(math.prod(entry.shape) for entry in entries.values())
    if total > limits.PARAMETERS:
        raise ProgramRefusedError(
            "too_many_parameters",
            "the file holds more than 2·10⁹ numbers",
            "upload a smaller network",
        )
