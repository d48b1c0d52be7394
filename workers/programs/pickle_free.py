"""Archives without pickles: what may be stored and handed out to people who use ``torch.export.load``.

``torch.export.save`` adds the sample inputs as a pickle, which ``torch.export.load`` opens, and an
archive can hold further members that it opens or runs. Only what ``read_program`` reads is kept, and
the sample inputs are replaced by an empty member, for which ``torch.export.load`` loads none.
"""

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from workers.programs import limits
from workers.programs.refusal import ProgramRefusedError
from workers.programs.weights import config_members, payloads_of
from workers.programs.zip_archive import ZipArchive

_ROOT = "archive"
_FORMAT_BYTES = 256
_FORMAT = (
    "archive_format",
    "archive_version",
    "byteorder",
    "version",
    ".data/version",
    ".data/serialization_id",
)
_ALIGNMENT = 64
_LOCAL_BYTES = 30
_WIDE_EXTRA_BYTES = 20
_WIDE_BYTES = 2**31 - 1
_EPOCH = (1980, 1, 1, 0, 0, 0)
_CHUNK_BYTES = 2**20


def pickle_free(path: Path, model: str, target: Path) -> Path:
    """``path`` if the archive holds no pickle, else ``target``, a new archive without them.

    Every member that is kept must match its checksum.

    Args:
        path: An archive that ``read_program`` accepts.
        model: The name of its model.
        target: Where to write. Equal archives give equal files.

    Raises:
        ProgramRefusedError: ``pickled_weights`` or ``opaque_constant``, or the archive is broken.
    """
    archive = ZipArchive(path)
    samples = f"data/sample_inputs/{model}.pt"
    wanted = set(_wanted(archive, model))
    for name in wanted:
        archive.require_checksum(name)
    is_clean = all(
        name in wanted or (name == samples and member.size_bytes == 0)
        for name, member in archive.members.items()
    )
    if is_clean:
        return path
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as written:
        for name in archive.members:
            if name in wanted:
                _copy(archive, name, written)
        _write(written, samples, b"")
    return target


def _wanted(archive: ZipArchive, model: str) -> Iterator[str]:
    """The members that are kept; the small ones say how to read the others."""
    for name in _FORMAT:
        if name in archive.members:
            if archive.members[name].size_bytes > _FORMAT_BYTES:
                raise ProgramRefusedError("broken_archive", f"{name} is too long")
            yield name
    yield f"models/{model}.json"
    for name in config_members(model):
        if name in archive.members:
            yield name
    yield from dict.fromkeys(payload.member for payload in payloads_of(archive, model))


def _copy(archive: ZipArchive, name: str, written: zipfile.ZipFile) -> None:
    """Copy one member, unpacked."""
    member = archive.member(name)
    if archive.is_stored(name):
        _write(written, name, memoryview(archive.bytes)[member.start :][: member.size_bytes])
    else:
        _write(
            written, name, archive.read(name, at_most=limits.ARCHIVE_RATIO * member.packed_bytes)
        )


def _write(written: zipfile.ZipFile, name: str, data: bytes | memoryview) -> None:
    """Add a member whose bytes are aligned, as torch aligns them, so that weights can be mapped."""
    info = zipfile.ZipInfo(f"{_ROOT}/{name}", _EPOCH)
    info.file_size = len(data)
    file: BinaryIO = written.fp  # type: ignore[assignment]
    # From this size on, zipfile adds a field with wide sizes to the local header.
    wide = _WIDE_EXTRA_BYTES if len(data) * 1.05 > _WIDE_BYTES else 0
    start = file.tell() + _LOCAL_BYTES + len(info.filename.encode()) + wide + 4
    padding = -start % _ALIGNMENT
    info.extra = struct.pack("<2sH", b"FB", padding) + bytes(padding)
    with written.open(info, "w", force_zip64=bool(wide)) as member:
        for position in range(0, len(data), _CHUNK_BYTES):
            member.write(data[position : position + _CHUNK_BYTES])
