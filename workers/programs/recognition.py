"""What a file on the disk is: the core's judgment, and for zip archives their checked directory."""

from pathlib import Path

from service.core import recognition
from service.core.manifest import ModelFormat
from service.core.recognition import EDGE_BYTES, PACK, FileKind
from workers.programs.refusal import ProgramRefusedError
from workers.programs.zip_archive import ZipArchive

_ZIP = b"PK\x03\x04"
_WITHOUT_ROOT = {FileKind.PT2_OLD, FileKind.KERAS}


def kind_of(path: Path) -> FileKind:
    """What the file is.

    Raises:
        ProgramRefusedError: It is a zip archive whose directory is hostile or broken.
    """
    head, tail = _edges(path)
    loose = recognition.kind_of(head, tail)
    if not head.startswith(_ZIP):
        return loose
    try:
        return recognition.kind_of_members(f"root/{name}" for name in ZipArchive(path).members)
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
    """Refuse a file that is not of the form that its manifest promises.

    Raises:
        ProgramRefusedError: ``mislabeled``, ``unknown_format`` or ``unsafe_format``, as at the
            door, with a remedy for what the file is; or what the archive's directory deserves.
    """
    kind = kind_of(path)
    if kind is not _KINDS[form]:
        why = recognition.refusal(kind, form=form)
        raise ProgramRefusedError(why.code, why.detail, why.remedy or PACK)


_KINDS = {ModelFormat.PT2: FileKind.PT2, ModelFormat.SAFETENSORS: FileKind.SAFETENSORS}
