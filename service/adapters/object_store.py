"""Blob stores: a local folder, and S3-compatible storage through obstore.

Keys come from digests alone, so no user-chosen name becomes a path.
"""

import contextlib
import math
import os
import re
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore
from obstore.store import from_url

from service.core.blobs import Blob, BlobStore
from service.core.clock import now
from service.core.errors import NotFoundError

CHUNK_BYTES = 1024 * 1024
# Older bytes that are added again are rewritten, so that garbage collection sees them as new.
RENEWED_AFTER_SECONDS = 3600.0
_DIGEST = re.compile(r"[0-9a-f]{64}")


def key_of(sha256: str) -> str:
    """The key of a digest within the store: two levels of 256 folders."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def not_found(sha256: str) -> NotFoundError:
    """The error for bytes that are not stored."""
    return NotFoundError(f"no stored file has the digest {sha256}", code="blob_not_found")


class FolderBlobs:
    """A store in a local folder; publishing is a rename, fetching a hard link."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """The file with these bytes, whether or not it exists."""
        return self._root / key_of(sha256)

    def add(self, path: Path, *, sha256: str) -> Blob:
        """Move the finished file into the store; its bytes are durable when this returns."""
        size_bytes = path.stat().st_size
        target = self.path(sha256)
        # Touch the file, so that garbage collection keeps it until a row references it.
        with contextlib.suppress(FileNotFoundError):
            os.utime(target)
            path.unlink()
            return Blob(sha256, size_bytes)
        target.parent.mkdir(parents=True, exist_ok=True)
        _move(path, target)
        return Blob(sha256, size_bytes)

    def exists(self, sha256: str) -> bool:
        """Whether these bytes are stored."""
        return self.path(sha256).exists()

    def read(self, sha256: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from ``start``, at most ``length`` of them, in chunks."""
        try:
            file = self.path(sha256).open("rb")
        except FileNotFoundError:
            raise not_found(sha256) from None
        return _chunks(file, start, length)

    def fetch(self, sha256: str, destination: Path) -> None:
        """Link the file to ``destination``, or copy it across file systems."""
        source = self.path(sha256)
        if not source.exists():
            raise not_found(sha256)
        try:
            os.link(source, destination)
        except OSError:
            shutil.copyfile(source, destination)

    def older_than(self, seconds: float) -> Iterator[str]:
        """Digests of files that were last added more than ``seconds`` ago."""
        oldest = time.time() - seconds
        for path in self._root.glob("??/??/*"):
            with contextlib.suppress(FileNotFoundError):
                if _DIGEST.fullmatch(path.name) and path.stat().st_mtime < oldest:
                    yield path.name

    def delete(self, sha256: str) -> None:
        """Delete the bytes, if they are stored."""
        self.path(sha256).unlink(missing_ok=True)


def _move(path: Path, target: Path) -> None:
    """Put ``path`` at ``target`` atomically, also from another file system."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    path.chmod(0o444)
    try:
        path.replace(target)
    except OSError:
        beside = target.with_suffix(".part")
        shutil.copyfile(path, beside)
        beside.replace(target)
        path.unlink()


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
        if self._age_seconds(sha256) > RENEWED_AFTER_SECONDS:
            with path.open("rb") as file:
                obstore.put(self._store, key_of(sha256), file)
        path.unlink()
        return Blob(sha256, size_bytes)

    def _age_seconds(self, sha256: str) -> float:
        """Seconds since the bytes were written; infinite if they are not stored."""
        try:
            written = obstore.head(self._store, key_of(sha256))["last_modified"]
        except FileNotFoundError:
            return math.inf
        return (now() - written).total_seconds()

    def older_than(self, seconds: float) -> Iterator[str]:
        """Digests of files that were last written more than ``seconds`` ago."""
        oldest = now() - timedelta(seconds=seconds)
        for page in obstore.list(self._store):
            for meta in page:
                name = meta["path"].rpartition("/")[2]
                if _DIGEST.fullmatch(name) and meta["last_modified"] < oldest:
                    yield name

    def exists(self, sha256: str) -> bool:
        """Whether these bytes are stored."""
        try:
            obstore.head(self._store, key_of(sha256))
        except FileNotFoundError:
            return False
        return True

    def read(self, sha256: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from ``start``, at most ``length`` of them, in chunks."""
        span: Any = {"offset": start} if length is None else (start, start + length)
        try:
            answer = obstore.get(self._store, key_of(sha256), options={"range": span})
        except FileNotFoundError:
            raise not_found(sha256) from None
        return (bytes(chunk) for chunk in answer.stream(min_chunk_size=CHUNK_BYTES))

    def fetch(self, sha256: str, destination: Path) -> None:
        """Download the file to ``destination``."""
        with destination.open("wb") as file:
            for chunk in self.read(sha256):
                file.write(chunk)

    def delete(self, sha256: str) -> None:
        """Delete the bytes, if they are stored."""
        obstore.delete(self._store, key_of(sha256))


def blob_store(url: str, *, endpoint: str | None = None) -> BlobStore:
    """The store at ``url``: a folder path (or ``file://``), or an object-storage URL."""
    if "://" not in url or url.startswith("file://"):
        return FolderBlobs(Path(url.removeprefix("file://")))
    return ObjectBlobs(url, endpoint=endpoint)
