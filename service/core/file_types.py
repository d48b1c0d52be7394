"""The kind of a file, from its bytes and never from its name; nothing is unpacked, opened or run.

The APIs check the first and last bytes. Readers that have checked the whole directory of an archive
use ``kind_of_members`` and raise the same errors.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from service.core.errors import RefusedUploadError
from service.core.manifest import ModelFormat

EDGE_BYTES = 65_536
PACK = "run `zooscope pack` on your own machine and upload the pt2 file that it writes"


class FileKind(StrEnum):
    """Kinds of files that users upload as models; the first three are supported."""

    PT2 = "a torch.export archive"
    SAFETENSORS = "a safetensors file"
    ONNX = "an ONNX model"
    PT2_OLD = "a torch.export archive of an old release, with pickled weights"
    CHECKPOINT = "a PyTorch checkpoint, which holds a pickle"
    TORCHSCRIPT = "a TorchScript archive, which holds a pickle"
    PICKLE = "a Python pickle"
    KERAS_H5 = "an HDF5 file (Keras)"
    KERAS = "a Keras archive"
    SAVED_MODEL = "a TensorFlow SavedModel"
    TFLITE = "a TensorFlow Lite model"
    GGUF = "a GGUF file"
    NUMPY = "a NumPy file"
    TAR = "a tar archive"
    COMPRESSED = "a compressed archive"
    EXECUTABLE = "an executable"
    ZIP = "a zip archive without a network"
    IMAGE = "an image"
    TEXT = "plain text"
    EMPTY = "an empty file"
    UNKNOWN = "a file of unknown kind"


NEVER_PICKLES = frozenset(
    {FileKind.SAFETENSORS, FileKind.ONNX, FileKind.TEXT, FileKind.EMPTY, FileKind.UNKNOWN}
)
"""Kinds that no reader takes for a pickle or for an archive that holds one."""

_FORMS = {
    FileKind.PT2: ModelFormat.PT2,
    FileKind.SAFETENSORS: ModelFormat.SAFETENSORS,
    FileKind.ONNX: ModelFormat.ONNX,
}
_NO_NETWORKS = {FileKind.ZIP, FileKind.IMAGE, FileKind.TEXT, FileKind.EMPTY, FileKind.UNKNOWN}
_IMPORT_KERAS = "run `zooscope import keras FILE` on your own machine, where Keras 3 is"
_TO_ONNX = "convert it to ONNX with tf2onnx and upload that"
_UNPACK = "upload the pt2 or safetensors file itself; to make one, " + PACK
_REMEDIES = {
    FileKind.PT2_OLD: "save it again with torch 2.9 or newer, or " + PACK,
    FileKind.KERAS_H5: "save it as .keras with Keras 3, then " + _IMPORT_KERAS,
    FileKind.KERAS: _IMPORT_KERAS,
    FileKind.SAVED_MODEL: _TO_ONNX,
    FileKind.TFLITE: _TO_ONNX,
    FileKind.COMPRESSED: _UNPACK,
    FileKind.TAR: _UNPACK,
}
_MAGIC: tuple[tuple[FileKind, tuple[bytes, ...]], ...] = (
    (FileKind.KERAS_H5, (b"\x89HDF\r\n\x1a\n",)),
    (FileKind.GGUF, (b"GGUF",)),
    (FileKind.NUMPY, (b"\x93NUMPY",)),
    (
        FileKind.COMPRESSED,
        (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf'\x1c", b"\x28\xb5\x2f\xfd", b"Rar!"),
    ),
    (FileKind.IMAGE, (b"\x89PNG", b"\xff\xd8\xff")),
    (FileKind.EXECUTABLE, (b"\x7fELF", b"MZ", b"#!")),
)
_PICKLE = re.compile(
    rb"\x80[\x01-\x05]|\((dp|lp|i)|c(collections|__builtin__|builtins|os|posix|nt)\n"
)
_LEGACY_TORCH = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_ONNX_WORDS = re.compile(rb"pytorch|onnx|backend-test|Conv|Gemm|Relu|MatMul")
_ONNX_START = re.compile(rb"\x08[\x01-\x1f][\x12\x1a:B]")
_PICKLED_WEIGHTS = re.compile(r"data/(weights|constants)/[^/]+\.pt")
# What torch writes besides weights and sample inputs; none of it is ever unpickled.
_PLAIN = (
    r"archive_format|archive_version|byteorder|version|\.data/[^/]+|models/[^/]+\.json"
    r"|data/(weights|constants)/[^/]+_config\.json"
)
_HARMLESS = re.compile(_PLAIN)
_HARMLESS_ONCE_CHECKED = re.compile(_PLAIN + r"|data/(weights|constants)/[^/]+(?<!\.pt)")
_LONGEST_DIRECTORY = 3 * 1024 * 1024
_LONGEST_HEADER = 2**40
_ENTRY, _ENTRY_BYTES = b"PK\x01\x02", 46
_LOCAL, _LOCAL_BYTES = b"PK\x03\x04", 30
_END, _WIDE_END, _WIDE_BYTES = b"PK\x05\x06", b"PK\x06\x06", 76


def kind_of(head: bytes, tail: bytes = b"") -> FileKind:
    """The kind of a file that begins with ``head`` and ends with ``tail`` (EDGE_BYTES of each).

    ZIP means that the visible names are inconclusive: the file may still be a torch.export archive.
    """
    if not head:
        return FileKind.EMPTY
    if _begins_like_safetensors(head):
        # First, because the length of the header may look like any other beginning.
        return FileKind.SAFETENSORS
    if head.startswith(_LOCAL):
        return kind_of_members([*_first_name(head), *_last_names(tail)])
    for kind, beginnings in _MAGIC:
        if head.startswith(beginnings):
            return kind
    return next((kind for looks_like, kind in _STRUCTURES if looks_like(head)), FileKind.UNKNOWN)


def kind_of_members(names: Iterable[str]) -> FileKind:
    """The kind of a zip archive, from the full names of its members."""
    whole = set(names)
    below = {name.partition("/")[2] for name in whole}
    if any(name.startswith(("models/", "data/weights/")) for name in below):
        pickled = any(_PICKLED_WEIGHTS.fullmatch(name) for name in below)
        return FileKind.PT2_OLD if pickled else FileKind.PT2
    if "serialized_exported_program.json" in whole:
        return FileKind.PT2_OLD
    if "constants.pkl" in below or any(name.startswith("code/") for name in below):
        return FileKind.TORCHSCRIPT
    if "data.pkl" in below:
        return FileKind.CHECKPOINT
    keras = "model.weights.h5" in whole or {"config.json", "metadata.json"} <= whole
    return FileKind.KERAS if keras else FileKind.ZIP


@dataclass(frozen=True)
class ArchiveMember:
    """One file of a zip archive: its full name and its unpacked size."""

    name: str
    size_bytes: int


def archive_members(read: Callable[[int, int], bytes], size_bytes: int) -> list[ArchiveMember]:
    """The directory of a zip archive; empty for any other file, and for a directory beyond 3 MiB.

    Args:
        read: The bytes from a start, at most a number of them.
        size_bytes: Size of the file.
    """
    start = max(0, size_bytes - EDGE_BYTES)
    tail = read(start, EDGE_BYTES)
    length, stop = _directory_span(tail)
    if length > _LONGEST_DIRECTORY or length > start + stop:
        return []
    directory = (
        tail[stop - length : stop] if length <= stop else read(start + stop - length, length)
    )
    return list(_entries(directory))


def may_hold_pickle(members: Iterable[ArchiveMember], *, raw_weights: bool) -> bool:
    """Whether a torch.export archive may hold a pickle, or anything else that a reader would run.

    Args:
        members: The archive's directory.
        raw_weights: Whether the archive's check has found all weights to be raw bytes; otherwise any
            of them may be a pickle.
    """
    harmless = _HARMLESS_ONCE_CHECKED if raw_weights else _HARMLESS
    below = ((member.name.partition("/")[2], member.size_bytes) for member in members)
    return any(size > 0 and not harmless.fullmatch(name) for name, size in below)


def require_form(head: bytes, tail: bytes, *, form: ModelFormat) -> None:
    """Require that the first and last bytes of a file fit its format.

    Raises:
        RefusedUploadError: As ``refusal`` returns it.
    """
    kind = kind_of(head, tail)
    unsure = kind is FileKind.ZIP and form is ModelFormat.PT2
    if _FORMS.get(kind) is not form and not unsure:
        raise refusal(kind, form=form)


def refusal(kind: FileKind, *, form: ModelFormat) -> RefusedUploadError:
    """The error for a file of this kind with the format ``form``.

    The code is ``format_mismatch`` for another supported format, ``unknown_format`` for a file without
    a network, and ``unsafe_format`` for a file that is never opened.
    """
    readable = _FORMS.get(kind)
    if readable is not None:
        needs = " and name the architecture" if readable is ModelFormat.SAFETENSORS else ""
        return RefusedUploadError(
            f"the format in the manifest is {form}, but the file is {kind}",
            code="format_mismatch",
            remedy=f"set the manifest's format to `{readable}`{needs}, or upload the right file",
        )
    if kind in _NO_NETWORKS:
        return RefusedUploadError(
            f"the file is {kind}, not a model in a supported format",
            code="unknown_format",
            remedy=f"{PACK}, or upload safetensors or ONNX",
        )
    return RefusedUploadError(
        f"the file is {kind}; Zooscope never opens such files",
        code="unsafe_format",
        remedy=_REMEDIES.get(kind, PACK),
    )


def _first_name(head: bytes) -> Iterator[str]:
    """The name of an archive's first member; a large directory may hide it from the tail."""
    length = int.from_bytes(head[26:28], "little")
    if len(head) >= _LOCAL_BYTES + length:
        yield head[_LOCAL_BYTES : _LOCAL_BYTES + length].decode("utf-8", "replace")


def _last_names(tail: bytes) -> Iterator[str]:
    """Names in the part of an archive's directory that the tail contains."""
    length, stop = _directory_span(tail)
    for member in _entries(tail[max(0, stop - length) : stop]):
        yield member.name


def _entries(directory: bytes) -> Iterator[ArchiveMember]:
    """The members in a part of a zip archive's directory."""
    at = directory.find(_ENTRY)
    while at >= 0 and directory[at : at + 4] == _ENTRY:
        size = int.from_bytes(directory[at + 24 : at + 28], "little")
        fields = directory[at + 28 : at + 34]
        name, extra, note = (int.from_bytes(fields[n : n + 2], "little") for n in (0, 2, 4))
        start = at + _ENTRY_BYTES
        yield ArchiveMember(directory[start : start + name].decode("utf-8", "replace"), size)
        at = start + name + extra + note


def _directory_span(tail: bytes) -> tuple[int, int]:
    """Length of a zip archive's directory, and where it ends in the tail; zip64 included."""
    stop = tail.rfind(_END)
    if stop < 0:
        return 0, 0
    length = int.from_bytes(tail[stop + 12 : stop + 16], "little")
    wide = stop - _WIDE_BYTES
    if wide >= 0 and tail[wide : wide + 4] == _WIDE_END:
        length, stop = int.from_bytes(tail[wide + 40 : wide + 48], "little"), wide
    return length, stop


def _begins_like_safetensors(head: bytes) -> bool:
    return int.from_bytes(head[:8], "little") < _LONGEST_HEADER and head[8:9] == b"{"


def _is_saved_model(head: bytes) -> bool:
    return head.startswith((b"\x08\x01\x12", b"\x12")) and b"tensorflow" in head.lower()


def _is_onnx(head: bytes) -> object:
    """A protocol buffer whose first field is the ir_version, a small number."""
    return _ONNX_START.match(head) or (head.startswith(b"\x08") and _ONNX_WORDS.search(head))


def _is_text(head: bytes) -> bool:
    return not head.translate(None, bytes([9, 10, 13, *range(32, 127)]))


_STRUCTURES: tuple[tuple[Callable[[bytes], object], FileKind], ...] = (
    (lambda head: _LEGACY_TORCH in head[:64], FileKind.CHECKPOINT),
    (_PICKLE.match, FileKind.PICKLE),
    (lambda head: head[4:8] == b"TFL3", FileKind.TFLITE),
    (_is_saved_model, FileKind.SAVED_MODEL),
    (_is_onnx, FileKind.ONNX),
    (lambda head: head[257:262] == b"ustar", FileKind.TAR),
    (_is_text, FileKind.TEXT),
)
