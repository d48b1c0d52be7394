"""Blob stores: a local folder, and S3-compatible storage through obstore.

Keys come from digests alone, so no user-chosen name becomes a path.
"""

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import obstore
from obstore.store import from_url

from service.core.blobs import Blob, BlobStamp, BlobStore
from service.core.errors import BlobDamagedError, NotFoundError
from service.core.private_files import private_folder

CHUNK_BYTES = 1024 * 1024
ASIDE = "damaged"
"""Folder or prefix of damaged files, outside of the folders of digests."""
_READ_ONLY = 0o400
# Its time of change is the present moment by the clock that dates the stored files.
_CLOCK = "clock"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def key_of(sha256: str) -> str:
    """The key of a digest within the store: two levels of 256 folders."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def _key_aside(sha256: str) -> str:
    """The key of a damaged file, which no listing takes for a stored one."""
    return f"{ASIDE}/{sha256}.{ASIDE}"


def not_found(sha256: str) -> NotFoundError:
    """The error for bytes that are not stored."""
    return NotFoundError(f"no stored file has the digest {sha256}", code="blob_not_found")


class FolderBlobs:
    """A store in a local folder; publishing is a rename, fetching a hard link."""

    def __init__(self, root: Path) -> None:
        self._root = private_folder(root)

    def path(self, sha256: str) -> Path:
        """The file with these bytes, whether or not it exists."""
        return self._root / key_of(sha256)

    def add(self, path: Path, *, sha256: str) -> Blob:
        """Move the finished file into the store; its bytes are durable when this returns."""
        size_bytes = path.stat().st_size
        target = self.path(sha256)
        private_folder(target.parents[1])
        private_folder(target.parent)
        # The time of the upload would let garbage collection delete it before a row names it.
        os.utime(path)
        _move(path, target)
        self._aside(sha256).unlink(missing_ok=True)
        return Blob(sha256, size_bytes)

    def _aside(self, sha256: str) -> Path:
        return self._root / _key_aside(sha256)

    def _missing(self, sha256: str) -> BlobDamagedError | NotFoundError:
        """Why there is no such file."""
        return BlobDamagedError(sha256) if self._aside(sha256).exists() else not_found(sha256)

    def exists(self, sha256: str) -> bool:
        """Whether these bytes are stored."""
        return self.path(sha256).exists()

    def read(self, sha256: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from ``start``, at most ``length`` of them, in chunks."""
        try:
            file = self.path(sha256).open("rb")
        except FileNotFoundError:
            raise self._missing(sha256) from None
        return _chunks(file, start, length)

    def fetch(self, sha256: str, destination: Path) -> None:
        """Link the file to ``destination``, or copy it across file systems."""
        source = self.path(sha256)
        if not source.exists():
            raise self._missing(sha256)
        try:
            os.link(source, destination)
        except OSError:
            shutil.copyfile(source, destination)

    def stamp(self, sha256: str) -> BlobStamp:
        """Size and version of the file."""
        try:
            status = self.path(sha256).stat()
        except FileNotFoundError:
            raise self._missing(sha256) from None
        version = f"{status.st_dev}.{status.st_ino}.{status.st_mtime_ns}"
        return BlobStamp(status.st_size, version)

    def digests(self) -> Iterator[str]:
        """Digests of all stored files."""
        for path in self._root.glob("??/??/*"):
            if _DIGEST.fullmatch(path.name):
                yield path.name

    def older_than(self, seconds: float) -> Iterator[str]:
        """Digests of files that were last added more than ``seconds`` ago."""
        oldest = self._now() - seconds
        for sha256 in self.digests():
            with contextlib.suppress(FileNotFoundError):
                if self.path(sha256).stat().st_mtime < oldest:
                    yield sha256

    def set_aside(self, sha256: str) -> None:
        """Move a damaged file away, so that nothing reads it until it is added again."""
        aside = self._aside(sha256)
        private_folder(aside.parent)
        with contextlib.suppress(FileNotFoundError):
            self.path(sha256).replace(aside)

    def set_aside_digests(self) -> Iterator[str]:
        """Digests of the files that are set aside."""
        for path in (self._root / ASIDE).glob(f"*.{ASIDE}"):
            yield path.stem

    def _now(self) -> float:
        """The present moment by the clock of the file system, which may be another machine's."""
        clock = self._root / _CLOCK
        clock.touch(mode=0o600)
        return clock.stat().st_mtime

    def delete(self, sha256: str) -> None:
        """Delete the bytes, if they are stored."""
        self.path(sha256).unlink(missing_ok=True)
        self._aside(sha256).unlink(missing_ok=True)


def _move(path: Path, target: Path) -> None:
    """Put ``path`` at ``target`` atomically, also from another file system."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    path.chmod(_READ_ONLY)
    try:
        path.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(path, target)
        path.unlink()


def _copy(path: Path, target: Path) -> None:
    """Copy ``path`` beside ``target``, then publish the copy; nothing is left if that fails."""
    beside = target.with_name(f"{target.name}.{uuid4().hex}.part")
    try:
        shutil.copyfile(path, beside)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.chmod(_READ_ONLY)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _chunks(file: Any, start: int, length: int | None) -> Iterator[bytes]:
    """Read an open file from ``start`` in chunks, then close it."""
    with file:
        file.seek(start)
        left = length
        while left is None or left > 0:
            chunk = file.read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left))
            if not chunk:
                return
            left = None if left is None else left - len(chunk)
            yield chunk


class ObjectBlobs:
    """A store behind an object-storage URL such as ``s3://bucket/prefix``."""

    def __init__(self, url: str, *, endpoint: str | None) -> None:
        options: dict[str, Any] = {"client_options": {"allow_http": True}}
        if endpoint is not None:
            options["config"] = {"endpoint": endpoint, "virtual_hosted_style_request": False}
        self._store: Any = from_url(url, **options)

    def add(self, path: Path, *, sha256: str) -> Blob:
        """Upload the finished file to the store, in parts if large, then remove it here."""
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            obstore.put(self._store, key_of(sha256), file)
        path.unlink()
        obstore.delete(self._store, _key_aside(sha256))
        return Blob(sha256, size_bytes)

    def _now(self) -> datetime:
        """The present moment by the clock of the store."""
        obstore.put(self._store, _CLOCK, b"")
        now: datetime = obstore.head(self._store, _CLOCK)["last_modified"]
        return now

    def _missing(self, sha256: str) -> BlobDamagedError | NotFoundError:
        """Why there is no such file."""
        damaged = self._head(_key_aside(sha256)) is not None
        return BlobDamagedError(sha256) if damaged else not_found(sha256)

    def _head(self, key: str) -> Any | None:
        """Facts about an object; None if there is none."""
        try:
            return obstore.head(self._store, key)
        except FileNotFoundError:
            return None

    def stamp(self, sha256: str) -> BlobStamp:
        """Size and version of the file."""
        facts = self._head(key_of(sha256))
        if facts is None:
            raise self._missing(sha256)
        return BlobStamp(facts["size"], f"{facts.get('e_tag')} {facts['last_modified']}")

    def digests(self) -> Iterator[str]:
        """Digests of all stored files."""
        return (name for name, _ in self._listed())

    def older_than(self, seconds: float) -> Iterator[str]:
        """Digests of files that were last written more than ``seconds`` ago."""
        oldest = self._now() - timedelta(seconds=seconds)
        return (name for name, written in self._listed() if written < oldest)

    def _listed(self) -> Iterator[tuple[str, datetime]]:
        """Every digest, with the time when its file was written."""
        for page in obstore.list(self._store):
            for facts in page:
                name = facts["path"].rpartition("/")[2]
                if _DIGEST.fullmatch(name):
                    yield name, facts["last_modified"]

    def set_aside(self, sha256: str) -> None:
        """Move a damaged file away, so that nothing reads it until it is added again."""
        with contextlib.suppress(FileNotFoundError):
            obstore.rename(self._store, key_of(sha256), _key_aside(sha256))

    def set_aside_digests(self) -> Iterator[str]:
        """Digests of the files that are set aside."""
        for page in obstore.list(self._store, ASIDE):
            for facts in page:
                yield facts["path"].rpartition("/")[2].removesuffix(f".{ASIDE}")

    def exists(self, sha256: str) -> bool:
        """Whether these bytes are stored."""
        return self._head(key_of(sha256)) is not None

    def read(self, sha256: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from ``start``, at most ``length`` of them, in chunks."""
        span: Any = {"offset": start} if length is None else (start, start + length)
        # An empty object has no range, not even from its start.
        options: Any = {"range": span} if start or length is not None else {}
        try:
            answer = obstore.get(self._store, key_of(sha256), options=options)
        except FileNotFoundError:
            raise self._missing(sha256) from None
        return (bytes(chunk) for chunk in answer.stream(min_chunk_size=CHUNK_BYTES))

    def fetch(self, sha256: str, destination: Path) -> None:
        """Download the file to ``destination``."""
        with destination.open("wb") as file:
            for chunk in self.read(sha256):
                file.write(chunk)

    def delete(self, sha256: str) -> None:
        """Delete the bytes, if they are stored."""
        obstore.delete(self._store, [key_of(sha256), _key_aside(sha256)])


def folder_at(url: str) -> Path | None:
    """The folder that ``url``, a path or ``file://``, names; None for object storage."""
    is_folder = "://" not in url or url.startswith("file://")
    return Path(url.removeprefix("file://")) if is_folder else None


def blob_store(url: str, *, endpoint: str | None = None) -> BlobStore:
    """The store at ``url``: a folder path (or ``file://``), or an object-storage URL."""
    folder = folder_at(url)
    return ObjectBlobs(url, endpoint=endpoint) if folder is None else FolderBlobs(folder)
