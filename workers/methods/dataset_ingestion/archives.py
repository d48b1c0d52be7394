"""Zip and tar archives, read without unpacking to disk."""

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

from workers.methods.dataset_ingestion.entries import (
    MOST_ENTRIES,
    ArchiveEntry,
    ImageProblemError,
    Limits,
    check_totals,
    checked_name,
    folder_label,
    is_noise,
    refused,
)
from workers.programs.machine_faults import raise_machine_fault

_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)
_ENCRYPTED = 0x1
_REPACK = "pack the images again as an ordinary zip"


@runtime_checkable
class Readable(Protocol):
    """An open binary file."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes."""
        ...


@contextmanager
def zip_entries(path: Path, limits: Limits) -> Iterator[list[ArchiveEntry]]:
    """The files of a zip archive. Raises RefusedUploadError."""
    try:
        archive = zipfile.ZipFile(path)
    except _BROKEN as error:
        raise_machine_fault(error)
        raise refused("broken_archive", f"the zip cannot be read: {error}", _REPACK) from error
    with archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        check_totals(
            entries=len(infos),
            total_bytes=sum(info.file_size for info in infos),
            stored_bytes=path.stat().st_size,
            limits=limits,
        )
        yield [entry for info in infos if (entry := _zip_entry(archive, info, limits))]


def _zip_entry(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits
) -> ArchiveEntry | None:
    """One file of a zip; None for metadata files of packing tools."""
    path = checked_name(info.filename)
    if stat.S_ISLNK(info.external_attr >> 16):
        raise refused("link", f"the archive holds a link: {info.filename[:80]!r}", _REPACK)
    if is_noise(path):
        return None

    def read() -> bytes:
        if info.flag_bits & _ENCRYPTED:
            raise ImageProblemError("the file is encrypted")
        try:
            with archive.open(info) as file:
                return _bounded(file, limits)
        except _BROKEN as error:
            raise_machine_fault(error)
            raise ImageProblemError(f"the file cannot be unpacked: {error}") from error

    return ArchiveEntry(str(path), folder_label(path), info.file_size, read)


@contextmanager
def tar_entries(path: Path, limits: Limits) -> Iterator[list[ArchiveEntry]]:
    """The files of a tar archive, compressed or not. Raises RefusedUploadError."""
    try:
        archive = tarfile.open(path)  # noqa: SIM115 - closed by the block below
    except (tarfile.TarError, *_BROKEN) as error:
        raise_machine_fault(error)
        raise refused("broken_archive", f"the tar cannot be read: {error}", _REPACK) from error
    with archive:
        members = _members(archive, path, limits)
        yield [entry for member in members if (entry := _tar_entry(archive, member, limits))]


def _members(archive: tarfile.TarFile, path: Path, limits: Limits) -> list[tarfile.TarInfo]:
    """Headers of all files, counted while reading since a tar has no table of contents."""
    members: list[tarfile.TarInfo] = []
    total = 0
    try:
        for member in archive:
            if member.isdir():
                continue
            members.append(member)
            total += member.size
            check_totals(
                entries=len(members),
                total_bytes=total,
                stored_bytes=path.stat().st_size,
                limits=limits,
            )
    except (tarfile.TarError, *_BROKEN) as error:
        raise_machine_fault(error)
        raise refused("broken_archive", f"the tar cannot be read: {error}", _REPACK) from error
    return members


def _tar_entry(
    archive: tarfile.TarFile, member: tarfile.TarInfo, limits: Limits
) -> ArchiveEntry | None:
    """One file of a tar; None for metadata files of packing tools."""
    path = checked_name(member.name)
    if not member.isfile():
        raise refused("link", f"{member.name[:80]!r} is a link or a device", _REPACK)
    if is_noise(path):
        return None

    def read() -> bytes:
        file = archive.extractfile(member)
        if file is None:
            raise ImageProblemError("the file cannot be unpacked")
        try:
            return _bounded(file, limits)
        except (tarfile.TarError, *_BROKEN) as error:
            raise_machine_fault(error)
            raise ImageProblemError(f"the file cannot be unpacked: {error}") from error

    return ArchiveEntry(str(path), folder_label(path), member.size, read)


def _bounded(file: Readable, limits: Limits) -> bytes:
    """All bytes of a file, bounded by the image limit regardless of its header."""
    data = file.read(limits.image_bytes + 1)
    if len(data) > limits.image_bytes:
        raise ImageProblemError(f"the image is larger than {limits.image_bytes} bytes")
    return data


__all__ = ["MOST_ENTRIES", "tar_entries", "zip_entries"]
