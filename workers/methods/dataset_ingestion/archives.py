"""Zip and tar archives, read without unpacking to disk."""

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Protocol, runtime_checkable

from service.core.counts import counted
from service.core.errors import RefusedUploadError
from service.core.manifest import NameEncoding
from workers.methods.dataset_ingestion.entries import (
    MOST_ENTRIES,
    ArchiveEntry,
    ImageProblem,
    ImageProblemError,
    Limits,
    check_image_bytes,
    check_totals,
    checked_name,
    is_noise,
    refused,
    shown,
)
from workers.methods.dataset_ingestion.notes import NoteCollector
from workers.methods.dataset_ingestion.zip_names import decoded, member_names
from workers.programs.machine_faults import raise_machine_fault

_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    UnicodeDecodeError,
    OSError,
)
_ENCRYPTED = 0x1
_BLOCK_BYTES = 1024**2
_REPACK = "pack the images again as an ordinary zip"
_AGAIN = (
    "the file is incomplete or damaged: copy it again from its source, check it with `{check} FILE`,"
    " and upload it, or upload the folder; `on_error` = skip (`--on-error skip`) leaves out damaged"
    " images, not a damaged archive"
)
_DAMAGED = "replace the image with an undamaged copy and pack the images again"
_LINK = "the file is a link or a device; pack the file that it leads to"


@runtime_checkable
class Readable(Protocol):
    """An open binary file."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes."""
        ...


Opener = Callable[[], AbstractContextManager[Readable]]


class _MemberKind(Enum):
    FILE = auto()
    FOLDER = auto()
    LINK = auto()


@dataclass
class ArchiveFiles:
    """The files of an archive, its folders, and the members that cannot be read."""

    notes: NoteCollector
    limits: Limits
    files: list[ArchiveEntry] = field(default_factory=list)
    folders: set[PurePosixPath] = field(default_factory=set)
    problems: list[ImageProblem] = field(default_factory=list)

    def take(self, name: str, kind: _MemberKind, size: int, opener: Opener) -> None:
        """Sorts one member in; metadata of packing tools are noted and left out."""
        try:
            path = checked_name(name)
        except ImageProblemError as error:
            problem = ImageProblem(shown(name), error.code, error.detail, error.remedy or "")
            self.problems.append(problem)
            return
        if is_noise(path):
            if kind is _MemberKind.FILE:
                self.notes.add("hidden_files", "hidden files are left out", str(path))
        elif kind is _MemberKind.FOLDER:
            self.folders.add(path)
            if len(self.folders) > MOST_ENTRIES:
                raise refused(
                    "too_many_files", "the archive has too many folders", "split the set"
                )
        elif kind is _MemberKind.LINK:
            self.problems.append(ImageProblem(str(path), "link", _LINK, _REPACK))
        else:
            read = partial(_read, opener, self.limits)
            copy = partial(_copy, opener, self.limits)
            self.files.append(ArchiveEntry(str(path), None, size, read, copy))


def single_file(path: Path, name: str, limits: Limits, notes: NoteCollector) -> ArchiveFiles:
    """A file as if it were the only one of an archive. Raises RefusedUploadError: ``invalid_name``."""
    files = ArchiveFiles(notes, limits)
    size = path.stat().st_size
    files.take(PurePosixPath(name).name, _MemberKind.FILE, size, lambda: path.open("rb"))
    return files


@contextmanager
def zip_files(
    path: Path, limits: Limits, notes: NoteCollector, encoding: NameEncoding | None
) -> Iterator[ArchiveFiles]:
    """The files of a zip archive. Raises RefusedUploadError."""
    try:
        archive = zipfile.ZipFile(path)
    except _BROKEN as error:
        raise_machine_fault(error)
        detail = (
            f"the zip of {path.stat().st_size} bytes cannot be read: its table of contents, which is"
            f" at the end, is missing or damaged ({error})"
        )
        raise refused("broken_archive", detail, _AGAIN.format(check="unzip -t")) from error
    with archive:
        infos = archive.infolist()
        check_totals(
            entries=sum(not info.is_dir() for info in infos),
            total_bytes=sum(info.file_size for info in infos),
            stored_bytes=path.stat().st_size,
            limits=limits,
        )
        names = _zip_names(infos, notes, encoding)
        members = ArchiveFiles(notes, limits)
        for info, name in zip(infos, names, strict=True):
            opener = partial(_zip_member, archive, info)
            members.take(name, _zip_kind(info, name), info.file_size, opener)
        yield members


def _zip_names(
    infos: list[zipfile.ZipInfo], notes: NoteCollector, encoding: NameEncoding | None
) -> tuple[str, ...]:
    """Names with forward slashes, in the right encoding; the notes say what was assumed."""
    members = member_names(infos, encoding)
    if members.encoding is not None and members.encoding is not NameEncoding.UTF_8:
        how = "as asked" if encoding is not None else "detected; `encoding` sets another"
        notes.add(
            "name_encoding",
            f"names without UTF-8 are read as {members.encoding} ({how}),"
            f" such as {shown(members.example)}",
        )
    if any("\\" in name for name in members.names):
        notes.add("backslashes", "backslashes in names separate folders")
    return tuple(name.replace("\\", "/") for name in members.names)


def _zip_kind(info: zipfile.ZipInfo, name: str) -> _MemberKind:
    if name.endswith("/"):
        return _MemberKind.FOLDER
    is_link = stat.S_ISLNK(info.external_attr >> 16)
    return _MemberKind.LINK if is_link else _MemberKind.FILE


@contextmanager
def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[Readable]:
    if info.flag_bits & _ENCRYPTED:
        raise ImageProblemError(
            "the file is encrypted", remedy="pack the images without a password"
        )
    try:
        with archive.open(info) as file:
            yield file
    except _BROKEN as error:
        raise_machine_fault(error)
        raise ImageProblemError(
            f"the file cannot be unpacked: {error}", remedy=_DAMAGED
        ) from error


@contextmanager
def tar_files(
    path: Path, limits: Limits, notes: NoteCollector, encoding: NameEncoding | None
) -> Iterator[ArchiveFiles]:
    """The files of a tar archive, compressed or not. Raises RefusedUploadError."""
    try:
        archive = tarfile.open(path)  # noqa: SIM115 - closed by the block below
    except _BROKEN as error:
        raise_machine_fault(error)
        raise _broken_tar(0, path, error) from error
    with archive:
        members = ArchiveFiles(notes, limits)
        for member, content in _tar_members(archive, path, limits):
            name = _tar_name(member, encoding)
            opener = partial(_tar_member, archive, content)
            members.take(name, _tar_kind(member, content), content.size, opener)
        yield members


def _tar_members(
    archive: tarfile.TarFile, path: Path, limits: Limits
) -> list[tuple[tarfile.TarInfo, tarfile.TarInfo]]:
    """All members, each with the one that holds its bytes: another one for a hard link.

    They are counted while they are read, since a tar has no table of contents.
    """
    members: list[tuple[tarfile.TarInfo, tarfile.TarInfo]] = []
    contents: dict[str, tarfile.TarInfo] = {}
    files, total = 0, 0
    try:
        for member in archive:
            content = contents.get(member.linkname, member) if member.islnk() else member
            contents[member.name] = content
            members.append((member, content))
            files += not member.isdir()
            total += content.size
            check_totals(
                entries=files, total_bytes=total, stored_bytes=path.stat().st_size, limits=limits
            )
    except _BROKEN as error:
        raise_machine_fault(error)
        raise _broken_tar(files, path, error) from error
    return members


def _broken_tar(files: int, path: Path, error: Exception) -> RefusedUploadError:
    """The refusal of a tar that ends or turns into nonsense after some files."""
    detail = (
        f"the tar of {path.stat().st_size} bytes breaks off after"
        f" {counted(files, 'file')} ({error})"
    )
    return refused("broken_archive", detail, _AGAIN.format(check="tar -tf"))


def _tar_name(member: tarfile.TarInfo, encoding: NameEncoding | None) -> str:
    """The name; in the given encoding if it is not UTF-8."""
    legacy = member.name.encode("utf-8", "surrogateescape")
    if encoding is None or legacy == member.name.encode("utf-8", "replace"):
        return member.name
    return decoded(legacy, encoding)


def _tar_kind(member: tarfile.TarInfo, content: tarfile.TarInfo) -> _MemberKind:
    if member.isdir():
        return _MemberKind.FOLDER
    return _MemberKind.FILE if content.isfile() else _MemberKind.LINK


@contextmanager
def _tar_member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[Readable]:
    file = archive.extractfile(member)
    if file is None:
        raise ImageProblemError("the file cannot be unpacked", remedy=_DAMAGED)
    try:
        with file:
            yield file
    except _BROKEN as error:
        raise_machine_fault(error)
        raise ImageProblemError(
            f"the file cannot be unpacked: {error}", remedy=_DAMAGED
        ) from error


def _read(opener: Opener, limits: Limits) -> bytes:
    with opener() as file:
        return _bounded(file, limits)


def _copy(opener: Opener, limits: Limits, target: Path) -> None:
    """Copies a file that is no image, bounded by the whole upload's limit regardless of its header."""
    rest = limits.total_bytes
    with opener() as source, target.open("wb") as copy:
        while block := source.read(_BLOCK_BYTES):
            rest -= len(block)
            if rest < 0:
                raise ImageProblemError(f"the file is larger than {limits.total_bytes} bytes")
            copy.write(block)


def _bounded(file: Readable, limits: Limits) -> bytes:
    """All bytes of a file, bounded by the image limit regardless of its header."""
    data = file.read(limits.image_bytes + 1)
    check_image_bytes(len(data), limits.image_bytes)
    return data
