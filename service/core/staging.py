"""Bytes on their way in: written and hashed side by side, resumable, never larger than announced.

Memory stays flat: a receiver holds a few blocks, and tells its feeder when to wait.
"""

import fcntl
import hashlib
import os
import shutil
import threading
from collections import OrderedDict, deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from service.core.errors import ConflictError, TooLargeError, UnavailableError

BLOCK_BYTES = 1024 * 1024
CHECK_SPACE_BYTES = 64 * BLOCK_BYTES
_BLOCKS_UNDER_WAY = 8
_HASHES_KEPT = 256


@dataclass(frozen=True)
class Received:
    """What lies in staging: length, and the SHA-256 when the receiver was closed well."""

    size_bytes: int
    sha256: str


class DiskGuard:
    """Stops writes when the disk is nearly full, and lets them go on when it is less so."""

    def __init__(self, folder: Path, *, stop_percent: float, resume_percent: float) -> None:
        self._folder = folder
        self._stop = stop_percent
        self._resume = min(resume_percent, stop_percent)
        self._closed = False

    def require_space(self) -> None:
        """Let the caller write, or not.

        Raises:
            UnavailableError: ``disk_full``.
        """
        usage = shutil.disk_usage(self._folder)
        percent = 100 * usage.used / usage.total
        self._closed = percent >= (self._resume if self._closed else self._stop)
        if self._closed:
            raise UnavailableError(
                f"the disk is {percent:.0f} % full; uploads stop at {self._stop:g} %",
                code="disk_full",
                remedy="remove models or datasets, or try again later",
            )


class Staging:
    """A folder of unfinished uploads and the running hash of each."""

    def __init__(self, folder: Path, guard: DiskGuard) -> None:
        self.folder = folder
        self.guard = guard
        self._lock = threading.Lock()
        self._hashes: OrderedDict[str, tuple[int, Any]] = OrderedDict()

    def path(self, name: str) -> Path:
        """The file of an upload, by an id of our own making."""
        return self.folder / name

    def size(self, name: str) -> int:
        """How many bytes lie in staging; 0 without a file."""
        path = self.path(name)
        return path.stat().st_size if path.exists() else 0

    def remove(self, name: str) -> None:
        """Forget an upload's bytes."""
        self._take_hash(name, 0)
        self.path(name).unlink(missing_ok=True)

    def receive(self, name: str, *, offset: int, limit: int) -> "Receiver":
        """Open an upload for bytes from ``offset`` on; it may grow to ``limit`` bytes.

        Raises:
            ConflictError: ``upload_busy``: somebody else writes to it.
            UnavailableError: ``disk_full``.
        """
        self.guard.require_space()
        file = _locked(self.path(name))
        file.truncate(offset)
        file.seek(offset)
        hasher = self._take_hash(name, offset) or _hash_of(file, offset)
        return Receiver(self, name, file, hasher=hasher, limit=limit)

    def keep_hash(self, name: str, offset: int, hasher: Any) -> None:
        """Remember the running hash of the first ``offset`` bytes for the next part."""
        with self._lock:
            self._hashes[name] = (offset, hasher)
            while len(self._hashes) > _HASHES_KEPT:
                self._hashes.popitem(last=False)

    def _take_hash(self, name: str, offset: int) -> Any | None:
        with self._lock:
            entry = self._hashes.pop(name, None)
        return entry[1] if entry is not None and entry[0] == offset else None


class Receiver:
    """One upload that is open for writing. ``feed`` blocks, heed ``backlog``, then ``close``."""

    def __init__(
        self, staging: Staging, name: str, file: BinaryIO, *, hasher: Any, limit: int
    ) -> None:
        self._staging = staging
        self.name = name
        self._file = file
        self._hasher = hasher
        self._limit = limit
        self._checked = self.offset = file.tell()
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._hashing = ThreadPoolExecutor(1, thread_name_prefix="hash")
        self._under_way: deque[tuple[Future[Any], int]] = deque()

    def feed(self, block: bytes) -> None:
        """Take the next bytes; returns at once.

        Raises:
            TooLargeError: More bytes than the limit.
            UnavailableError: ``disk_full``.
        """
        if self.offset + len(block) > self._limit:
            raise TooLargeError(
                f"more than the {self._limit} bytes that are allowed here", code="upload_too_large"
            )
        if self.offset - self._checked >= CHECK_SPACE_BYTES:
            self._staging.guard.require_space()
            self._checked = self.offset
        self.offset += len(block)
        self._under_way.append((self._hashing.submit(self._hasher.update, block), 0))
        self._under_way.append((self._writing.submit(_write_all, self._file, block), len(block)))

    def backlog(self) -> Future[Any] | None:
        """What to wait for before feeding on; None while there is room."""
        while self._under_way and self._under_way[0][0].done():
            self._under_way.popleft()[0].result()
        return self._under_way[0][0] if len(self._under_way) > _BLOCKS_UNDER_WAY else None

    @property
    def settled(self) -> int:
        """How many bytes are surely in the file; the rest is under way."""
        return self.offset - sum(size for _, size in self._under_way)

    def close(self) -> Received:
        """Finish what is under way; the bytes so far are in the file and hashed."""
        try:
            while self._under_way:
                self._under_way.popleft()[0].result()
            self._file.flush()
            self._staging.keep_hash(self.name, self.offset, self._hasher)
        finally:
            self._release()
        return Received(self.offset, self._hasher.hexdigest())

    def abandon(self) -> None:
        """Stop without keeping what was received."""
        self._release()
        self._staging.remove(self.name)

    def _release(self) -> None:
        self._writing.shutdown(wait=True)
        self._hashing.shutdown(wait=True)
        self._under_way.clear()
        self._file.close()


def _write_all(file: BinaryIO, block: bytes) -> None:
    """Write the whole block.

    Raises:
        UnavailableError: ``disk_full``: the system has no room for it.
    """
    rest = memoryview(block)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as error:
        raise UnavailableError(f"the disk refuses to write: {error}", code="disk_full") from error


def _locked(path: Path) -> BinaryIO:
    """The file, made if need be, held against other writers of this machine."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    file = os.fdopen(handle, "r+b", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise ConflictError(
            "another request is sending bytes of this upload",
            code="upload_busy",
            remedy="wait until it ends, ask for the offset, go on from there",
        ) from None
    return file


def _hash_of(file: BinaryIO, length: int) -> Any:
    """The running hash of the first ``length`` bytes, read again from the file."""
    hasher = hashlib.sha256()
    file.seek(0)
    left = length
    while left > 0 and (block := file.read(min(left, BLOCK_BYTES))):
        hasher.update(block)
        left -= len(block)
    file.seek(length)
    return hasher
