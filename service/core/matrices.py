"""Matrices of a safetensors file as CSV or as an NPZ archive, without NumPy.

All binary formats contain the same little-endian bytes; only the header differs. Files are read a
few rows at a time, so that even the largest map needs little memory.
"""

import io
import json
import math
import struct
import zipfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

Read = Callable[[int, int], bytes]
"""Reads bytes of a file, from a start and of a length."""

_KINDS = {"F64": ("<f8", "d"), "F32": ("<f4", "f"), "I64": ("<i8", "q"), "I32": ("<i4", "i")}
_LENGTH = struct.Struct("<Q")
_ALIGNMENT = 64
_BLOCK_BYTES = 2**20


@dataclass(frozen=True)
class Matrix:
    """A matrix in a file, row by row."""

    kind: str
    shape: tuple[int, ...]
    start: int
    size_bytes: int
    read: Read

    def rows(self) -> Iterator[Sequence[float]]:
        """The rows of a matrix, from first to last."""
        code, width = _KINDS[self.kind][1], self.shape[1]
        row_bytes = width * array(code).itemsize
        for block in self.blocks(max(1, _BLOCK_BYTES // row_bytes) * row_bytes):
            values = array(code)
            values.frombytes(block)
            for start in range(0, len(values), width):
                yield values[start : start + width]

    def selected(self, indices: Sequence[int]) -> Iterator[Sequence[float]]:
        """The rows and columns at ``indices``, in their order; only those rows are read."""
        code, width = _KINDS[self.kind][1], self.shape[1]
        row_bytes = width * array(code).itemsize
        for index in indices:
            row = array(code)
            row.frombytes(self.read(self.start + index * row_bytes, row_bytes))
            yield [row[column] for column in indices]

    def blocks(self, block_bytes: int | None = None) -> Iterator[bytes]:
        """The raw bytes in blocks; of one mebibyte by default."""
        block_bytes = _BLOCK_BYTES if block_bytes is None else block_bytes
        end = self.start + self.size_bytes
        for start in range(self.start, end, block_bytes):
            yield self.read(start, min(block_bytes, end - start))


@dataclass(frozen=True)
class ArrayColumn:
    """A small NumPy array: its type, shape and bytes."""

    descr: str
    shape: tuple[int, ...]
    data: bytes

    @classmethod
    def of_words(cls, words: Sequence[str]) -> "ArrayColumn":
        """Texts in the layout of NumPy: UTF-32, padded to the longest."""
        longest = max((len(word) for word in words), default=1) or 1
        data = b"".join(word.ljust(longest, "\0").encode("utf-32-le") for word in words)
        return cls(f"<U{longest}", (len(words),), data)

    @classmethod
    def of_integers(cls, values: Sequence[int]) -> "ArrayColumn":
        """Whole numbers."""
        return cls("<i8", (len(values),), array("q", values).tobytes())

    @classmethod
    def of_rows(cls, rows: Sequence[Sequence[float]], *, width: int) -> "ArrayColumn":
        """A table of numbers."""
        flat = array("d", (float(value) for row in rows for value in row))
        return cls("<f8", (len(rows), width), flat.tobytes())


def matrices_in(read: Read) -> dict[str, Matrix]:
    """The matrices of a safetensors file that a job wrote."""
    (length,) = _LENGTH.unpack(read(0, _LENGTH.size))
    header = json.loads(read(_LENGTH.size, length))
    data = _LENGTH.size + length
    return {
        name: Matrix(entry["dtype"], tuple(entry["shape"]), data + begin, end - begin, read)
        for name, entry in header.items()
        if name != "__metadata__"
        for begin, end in [entry["data_offsets"]]
    }


def scores_of(matrices: Mapping[str, Matrix], *, edge_weight: float) -> Iterator[list[float]]:
    """Rows of s_V + λ s_E; NaN if unknown. If λ is 0, edges have no effect."""
    yield from weighted(matrices["node"].rows(), matrices["edge"].rows(), edge_weight=edge_weight)


def weighted(
    node_rows: Iterable[Sequence[float]],
    edge_rows: Iterable[Sequence[float]],
    *,
    edge_weight: float,
) -> Iterator[list[float]]:
    """Rows of s_V + λ s_E from those of its parts."""
    for nodes, edges in zip(node_rows, edge_rows, strict=True):
        yield [
            node if edge_weight == 0 else node + edge_weight * edge
            for node, edge in zip(nodes, edges, strict=True)
        ]


def as_csv(models: Sequence[str], rows: Iterable[Sequence[float]]) -> Iterator[bytes]:
    """A table with model ids in the first row and column; empty for an unknown number."""
    yield (",".join(["model_id", *models]) + "\r\n").encode()
    for model_id, row in zip(models, rows, strict=True):
        cells = ("" if math.isnan(value) else f"{value:.9g}" for value in row)
        yield (",".join([model_id, *cells]) + "\r\n").encode()


def as_npz(matrices: Mapping[str, Matrix], columns: Mapping[str, ArrayColumn]) -> Iterator[bytes]:
    """The archive that ``numpy.load`` reads."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for name, matrix in matrices.items():
            with archive.open(_member(name), "w", force_zip64=True) as file:
                file.write(_npy_header(_KINDS[matrix.kind][0], matrix.shape))
                for block in matrix.blocks():
                    file.write(block)
                    yield sink.taken()
        for name, column in columns.items():
            archive.writestr(_member(name), _npy_header(column.descr, column.shape) + column.data)
            yield sink.taken()
    yield sink.taken()


class _Sink:
    """The sink of an archive that is sent while it is written: it cannot seek."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()

    def write(self, data: bytes) -> int:
        """Store bytes until ``taken``."""
        return self._buffer.write(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        """What was written since the last call."""
        data = self._buffer.getvalue()
        self._buffer = io.BytesIO()
        return data


def _member(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))


def _npy_header(descr: str, shape: tuple[int, ...]) -> bytes:
    """Magic, version 1.0, and a Python literal padded so that the numbers are aligned."""
    literal = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    space = -(10 + len(literal) + 1) % _ALIGNMENT
    text = literal.encode() + b" " * space + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text
