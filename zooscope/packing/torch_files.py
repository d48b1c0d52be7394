"""What ``torch.save`` wrote, as data: the zip form since torch 1.6, and the stream before it.

Tensors of the zip form are views of the mapped file. Nothing in the file is imported or called.
"""

import mmap
import pickle
import struct
import sys
import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from workers.programs.machine_faults import raise_machine_fault
from zooscope.packing.inert_pickle import GlobalName, Inert, InertUnpickler
from zooscope.packing.refusal import PackingError

_ZIP = b"PK\x03\x04"
_MAGIC = 0x1950A86A20F9469CFC6C
_LOCAL_HEADER = 30
_MOST_EXPANSION = 100
_STORAGES = {
    "DoubleStorage": torch.float64, "FloatStorage": torch.float32, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool, "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128, "UntypedStorage": torch.uint8,
}  # fmt: skip


@dataclass(frozen=True)
class TorchContent:
    """The object that was saved; ``names`` are classes and functions whose objects are inert."""

    value: Any
    names: tuple[str, ...]


def read_torch_file(path: Path) -> TorchContent:
    """What a file of ``torch.save`` holds.

    Raises:
        PackingError: ``unsafe_checkpoint`` or ``not_a_checkpoint``.
    """
    try:
        with path.open("rb") as file:
            is_zip = file.read(len(_ZIP)) == _ZIP
            file.seek(0)
            return _zipped(file) if is_zip else _streamed(file)
    except PackingError as error:
        raise PackingError(error.code, f"{path.name}: {error.detail}", error.remedy or "") from error  # fmt: skip
    except Exception as error:
        # A damaged pickle can raise anything.
        raise_machine_fault(error)
        raise PackingError(
            "not_a_checkpoint",
            f"{path.name} is damaged: {type(error).__name__}: {str(error)[:200]}",
            "save or download it again",
        ) from error


def _zipped(file: IO[bytes]) -> TorchContent:
    """The content of a zip archive whose storages are members."""
    with zipfile.ZipFile(file) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("data.pkl")]
        if any(name.endswith(".npy") for name in archive.namelist()):
            raise _not_of_torch("it holds arrays of NumPy (.npz)")
        if len(pickles) != 1:
            raise ValueError(f"the archive holds {len(pickles)} pickles instead of one")
        root = pickles[0].removesuffix("data.pkl")
        _require_our_byte_order(archive, root)
        storages = _ZippedStorages(archive, f"{root}data/")
        content = _uncompressed(archive, archive.getinfo(pickles[0]))
        reader = InertUnpickler(BytesIO(content), storages)
        return TorchContent(reader.load(), tuple(reader.names))


def _not_of_torch(reason: str) -> PackingError:
    return PackingError(
        "not_a_checkpoint",
        f"{reason}, and no file of torch.save",
        "load it as you wrote it, and save the tensors: torch.save({name: torch.from_numpy(array)"
        " for name, array in arrays.items()}, 'weights.pth')",
    )


def _require_our_byte_order(archive: zipfile.ZipFile, root: str) -> None:
    name = f"{root}byteorder"
    if name in archive.namelist() and archive.read(name).decode() != sys.byteorder:
        raise PackingError(
            "byte_order",
            "the weights are in the byte order of another kind of machine",
            "load and save the file on the machine that wrote it, as safetensors",
        )


class _ZippedStorages:
    """Storages that are members of an archive, each read once."""

    def __init__(self, archive: zipfile.ZipFile, folder: str) -> None:
        assert archive.fp is not None
        self._archive = archive
        self._folder = folder
        # A private, writable map: torch needs writable memory, and the file must not change.
        self._bytes = mmap.mmap(archive.fp.fileno(), 0, access=mmap.ACCESS_COPY)
        self._storages: dict[tuple[str, torch.dtype], Tensor] = {}

    def __call__(self, persistent_id: Any) -> Any:
        """All elements of the storage, or an inert object for storages that hold no plain numbers."""
        _, storage_type, key, *_ = persistent_id
        _require_name(key)
        dtype = _dtype_of(storage_type)
        if dtype is None:
            return Inert("storage", tuple(persistent_id))
        if (key, dtype) not in self._storages:
            self._storages[key, dtype] = _elements(self._member(f"{self._folder}{key}"), dtype)
        return self._storages[key, dtype]

    def _member(self, name: str) -> bytearray | memoryview:
        """The bytes of a member: a view of the map, or a copy if it is compressed."""
        info = self._archive.getinfo(name)
        if info.compress_type != zipfile.ZIP_STORED:
            return bytearray(_uncompressed(self._archive, info))
        lengths = struct.unpack_from("<2H", self._bytes, info.header_offset + 26)
        start = info.header_offset + _LOCAL_HEADER + sum(lengths)
        data = memoryview(self._bytes)[start : start + info.file_size]
        if zlib.crc32(data) != info.CRC:
            raise ValueError(f"the bytes of {name} do not match their checksum")
        return data


def _uncompressed(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The bytes of a member, whose checksum is verified; refused if they expand too much."""
    if info.file_size > _MOST_EXPANSION * max(info.compress_size, 1):
        raise ValueError(f"{info.filename} expands more than {_MOST_EXPANSION}-fold")
    return archive.read(info)


def _streamed(file: IO[bytes]) -> TorchContent:
    """The content of the older form: pickles in a row, then the bytes of all storages."""
    storages = _StreamedStorages(file)
    if InertUnpickler(file, storages).load() != _MAGIC:
        raise _not_of_torch("it is a pickle that torch.save did not write")
    for _ in range(2):
        InertUnpickler(file, storages).load()
    reader = InertUnpickler(file, storages)
    value = reader.load()
    storages.fill(InertUnpickler(file, storages).load())
    return TorchContent(value, tuple(reader.names))


class _StreamedStorages:
    """Storages whose bytes follow the pickle; allocated when named, filled afterwards."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._size_bytes = file.seek(0, 2)
        file.seek(0)
        self._buffers: dict[Any, tuple[bytearray, int]] = {}

    def __call__(self, persistent_id: Any) -> Any:
        """All elements of the storage, or of a part of it."""
        _, storage_type, key, _, elements, view = persistent_id
        _require_name(key)
        dtype = _dtype_of(storage_type)
        if dtype is None:
            return Inert("storage", tuple(persistent_id))
        if key not in self._buffers:
            if elements * dtype.itemsize > self._size_bytes:
                raise ValueError("a storage is larger than the file")
            self._buffers[key] = (bytearray(elements * dtype.itemsize), dtype.itemsize)
        flat = _elements(self._buffers[key][0], dtype)
        return flat if view is None else flat[view[1] : view[1] + view[2]]

    def fill(self, keys: Any) -> None:
        """Read the storages from the file, in this order."""
        for key in keys:
            (elements,) = struct.unpack("<q", self._file.read(8))
            buffer, width = self._buffers[key]
            if elements * width != len(buffer) or self._file.readinto(buffer) != len(buffer):  # type: ignore[attr-defined]
                raise ValueError("the file is cut short")


def _require_name(key: Any) -> None:
    """Require that a storage is named by a text or number, which is quick to hash."""
    if not isinstance(key, str | int):
        raise pickle.UnpicklingError("a storage without a name")


def _dtype_of(storage_type: Any) -> torch.dtype | None:
    """The element type of a storage class, such as ``torch.FloatStorage``; None for others."""
    if not isinstance(storage_type, GlobalName):
        raise pickle.UnpicklingError("a storage without a type")
    return _STORAGES.get(storage_type.path.rpartition(".")[2])


def _elements(data: bytearray | memoryview, dtype: torch.dtype) -> Tensor:
    """All whole elements, copied if they are not aligned."""
    if not data:
        return torch.empty(0, dtype=dtype)
    count = len(data) // dtype.itemsize
    flat = torch.frombuffer(data, dtype=torch.uint8, count=count * dtype.itemsize)
    return (flat.clone() if flat.data_ptr() % dtype.itemsize else flat).view(dtype)
