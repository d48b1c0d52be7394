"""The kind of a file on disk, by its first and last bytes and a checked zip directory."""

from pathlib import Path

from service.core import file_types
from service.core.file_types import EDGE_BYTES, PACK, FileKind
from service.core.manifest import ModelFormat
from workers.programs.refusal import ProgramRefusedError
from workers.programs.zip_archive import ZipArchive

_ZIP = b"PK\x03\x04"
_WITHOUT_ROOT = {FileKind.PT2_OLD, FileKind.KERAS}


def kind_of(path: Path) -> FileKind:
    """The kind of the file.

    Raises:
        ProgramRefusedError: The file is a zip archive whose directory is malicious or broken.
    """
    head, tail = _edges(path)
    loose = file_types.kind_of(head, tail)
    if not head.startswith(_ZIP):
        return loose
    try:
        return file_types.kind_of_members(f"root/{name}" for name in ZipArchive(path).members)
    except ProgramRefusedError as error:
        if error.code == "archive_path" and loose in _WITHOUT_ROOT:
            return loose
        raise


def _edges(path: Path) -> tuple[bytes, bytes]:
    """First and last bytes of the file."""
    with path.open("rb") as file:
        head = file.read(EDGE_BYTES)
        file.seek(max(0, path.stat().st_size - EDGE_BYTES))
        return head, file.read(EDGE_BYTES)


def refuse_unless(path: Path, form: ModelFormat) -> None:
    """Rejects a file that does not have the format of its manifest.

    Raises:
        ProgramRefusedError: ``format_mismatch``, ``unknown_format`` or ``unsafe_format``, as in the
            API, with a remedy for that kind of file; or an error of the archive's directory.
    """
    kind = kind_of(path)
    if kind is not _KINDS[form]:
        why = file_types.refusal(kind, form=form)
        raise ProgramRefusedError(why.code, why.detail, why.remedy or PACK)


_KINDS = {
    ModelFormat.PT2: FileKind.PT2,
    ModelFormat.SAFETENSORS: FileKind.SAFETENSORS,
    ModelFormat.ONNX: FileKind.ONNX,
}
