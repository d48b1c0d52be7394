"""Matrices of a safetensors file as a table or as numpy's archive, without numpy.

Both formats hold the same little-endian bytes; only the header differs.
"""

import io
import json
import math
import struct
import zipfile
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_KINDS = {"F64": ("<f8", "d"), "F32": ("<f4", "f"), "I64": ("<i8", "q"), "I32": ("<i4", "i")}
_LENGTH = struct.Struct("<Q")
_ALIGNMENT = 64


@dataclass(frozen=True)
class Matrix:
    """Numbers as they lie in the file, row by row."""

    kind: str
    shape: tuple[int, ...]
    data: bytes

    def row(self, number: int) -> Sequence[float]:
        """One row of a square matrix."""
        values = array(_KINDS[self.kind][1])
        width = self.shape[1] * values.itemsize
        values.frombytes(self.data[number * width : (number + 1) * width])
        return values


def arrays_in(data: bytes) -> dict[str, Matrix]:
    """The matrices of a safetensors file that a job of ours wrote."""
    (length,) = _LENGTH.unpack_from(data)
    start = _LENGTH.size + length
    header = json.loads(data[_LENGTH.size : start])
    return {
        name: Matrix(one["dtype"], tuple(one["shape"]), _slice(data, start, one["data_offsets"]))
        for name, one in header.items()
        if name != "__metadata__"
    }


def _slice(data: bytes, start: int, offsets: Sequence[int]) -> bytes:
    return data[start + offsets[0] : start + offsets[1]]


def as_npz(arrays: Mapping[str, Matrix]) -> bytes:
    """The archive that ``numpy.load`` reads."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, matrix in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            archive.writestr(member, _npy_header(matrix) + matrix.data)
    return file.getvalue()


def _npy_header(matrix: Matrix) -> bytes:
    """Magic, version 1.0, and a Python literal padded so that the numbers are aligned."""
    kind = _KINDS[matrix.kind][0]
    told = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {matrix.shape}, }}"
    space = -(10 + len(told) + 1) % _ALIGNMENT
    text = told.encode() + b" " * space + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def as_csv(models: Sequence[str], arrays: Mapping[str, Matrix], *, edge_weight: float) -> str:
    """Scores of all pairs, with model ids in the first row and column; empty where unknown."""
    lines = [",".join(["model_id", *models])]
    for number, model_id in enumerate(models):
        nodes, edges = arrays["node"].row(number), arrays["edge"].row(number)
        scores = [
            node if edge_weight == 0 else node + edge_weight * edge
            for node, edge in zip(nodes, edges, strict=True)
        ]
        lines.append(",".join([model_id, *("" if math.isnan(s) else f"{s:.9g}" for s in scores)]))
    return "\r\n".join(lines) + "\r\n"
