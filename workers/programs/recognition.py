"""What an uploaded file is, told from its first bytes and never from its name."""

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from workers.programs.refusal import PACK, ProgramRefusedError
from workers.programs.zip_archive import ZipArchive

_HEAD_BYTES = 4096
_PICKLE = re.compile(
    rb"\x80[\x01-\x05]|\((dp|lp|i)|c(collections|__builtin__|builtins|os|posix|nt)\n"
)
_ONNX = re.compile(rb"pytorch|onnx|backend-test|Conv|Gemm|Relu|MatMul")
_LONGEST = 2**40
_LEGACY_TORCH = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


class FileKind(StrEnum):
    """Kinds of file that people take for a network; the first two are read."""

    PT2 = "a torch.export archive"
    SAFETENSORS = "a safetensors file"
    PT2_OLD = "a torch.export archive of an old release, with pickled weights"
    CHECKPOINT = "a PyTorch checkpoint (pickle)"
    TORCHSCRIPT = "a TorchScript archive"
    PICKLE = "a Python pickle"
    KERAS_H5 = "an HDF5 file (Keras)"
    KERAS = "a .keras archive"
    ONNX = "an ONNX model"
    SAVED_MODEL = "a TensorFlow SavedModel"
    TFLITE = "a TensorFlow Lite model"
    GGUF = "a GGUF file"
    NUMPY = "a NumPy file"
    COMPRESSED = "a compressed archive"
    IMAGE = "an image"
    ZIP = "a zip archive without a network"
    TEXT = "plain text"
    EMPTY = "an empty file"
    UNKNOWN = "a file of unknown kind"


_MAGIC: tuple[tuple[bytes, FileKind], ...] = (
    (b"\x89HDF\r\n\x1a\n", FileKind.KERAS_H5),
    (b"GGUF", FileKind.GGUF),
    (b"\x93NUMPY", FileKind.NUMPY),
    (b"\x1f\x8b", FileKind.COMPRESSED),
    (b"BZh", FileKind.COMPRESSED),
    (b"\xfd7zXZ\x00", FileKind.COMPRESSED),
    (b"7z\xbc\xaf'\x1c", FileKind.COMPRESSED),
    (b"\x28\xb5\x2f\xfd", FileKind.COMPRESSED),
    (b"Rar!", FileKind.COMPRESSED),
    (b"\x89PNG", FileKind.IMAGE),
    (b"\xff\xd8\xff", FileKind.IMAGE),
)
_REMEDIES = {
    FileKind.ONNX: "ONNX is not read yet; " + PACK,
    FileKind.PT2_OLD: "save it again with torch 2.9 or newer, or " + PACK,
    FileKind.KERAS_H5: "rebuild the network in PyTorch, then " + PACK,
    FileKind.KERAS: "rebuild the network in PyTorch, then " + PACK,
    FileKind.SAVED_MODEL: "rebuild the network in PyTorch, then " + PACK,
    FileKind.TFLITE: "rebuild the network in PyTorch, then " + PACK,
    FileKind.COMPRESSED: "upload the pt2 or safetensors file itself; to make one, " + PACK,
}


def kind_of(path: Path) -> FileKind:
    """What the file is.

    Raises:
        ProgramRefusedError: It is a zip archive whose directory is hostile or broken.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        return FileKind.EMPTY
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(path)
    return _kind_without_magic(head)


def refuse_unless(path: Path, expected: FileKind) -> None:
    """Refuse a file that is not of the kind that its manifest promises.

    Raises:
        ProgramRefusedError: ``wrong_file_kind``, with a remedy for what the file is.
    """
    kind = kind_of(path)
    if kind is not expected:
        readable = {
            FileKind.PT2: "set the manifest's format to `pt2`",
            FileKind.SAFETENSORS: "set the manifest's format to `safetensors` and name the architecture",
        }
        raise ProgramRefusedError(
            "wrong_file_kind",
            f"the file is {kind.value}, not {expected.value}",
            readable.get(kind, _REMEDIES.get(kind, PACK)),
        )


def _zip_kind(path: Path) -> FileKind:
    """What a zip archive holds, told from the names of its members."""
    try:
        names = ZipArchive(path).members.keys()
    except ProgramRefusedError as error:
        return _loose_zip_kind(path, error)
    if any(name.startswith("models/") for name in names):
        legacy = any(re.fullmatch(r"data/(weights|constants)/[^/]+\.pt", name) for name in names)
        return FileKind.PT2_OLD if legacy else FileKind.PT2
    if "constants.pkl" in names or any(name.startswith("code/") for name in names):
        return FileKind.TORCHSCRIPT
    return FileKind.CHECKPOINT if "data.pkl" in names else FileKind.ZIP


def _loose_zip_kind(path: Path, error: ProgramRefusedError) -> FileKind:
    """Kinds whose members lie without a root folder; anything else keeps its error."""
    if error.code != "archive_path":
        raise error
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _HEAD_BYTES))
        tail = file.read()
    if b"serialized_exported_program.json" in tail:
        return FileKind.PT2_OLD
    if b"config.json" in tail and b"model.weights.h5" in tail:
        return FileKind.KERAS
    raise error


def _kind_without_magic(head: bytes) -> FileKind:
    """Kinds that are told from the structure of their first bytes."""
    for looks_like, kind in _STRUCTURES:
        if looks_like(head):
            return kind
    return FileKind.UNKNOWN


def _is_text(head: bytes) -> bool:
    return all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head)  # noqa: PLR2004 - ASCII


def _is_saved_model(head: bytes) -> bool:
    return head.startswith((b"\x08\x01\x12", b"\x12")) and b"tensorflow" in head.lower()


_STRUCTURES: tuple[tuple[Callable[[bytes], object], FileKind], ...] = (
    (
        lambda head: int.from_bytes(head[:8], "little") < _LONGEST and head[8:9] == b"{",
        FileKind.SAFETENSORS,
    ),
    (lambda head: _LEGACY_TORCH in head[:64], FileKind.CHECKPOINT),
    (_PICKLE.match, FileKind.PICKLE),
    (lambda head: head[4:8] == b"TFL3", FileKind.TFLITE),
    (_is_saved_model, FileKind.SAVED_MODEL),
    (lambda head: head.startswith(b"\x08") and _ONNX.search(head), FileKind.ONNX),
    (_is_text, FileKind.TEXT),
)
