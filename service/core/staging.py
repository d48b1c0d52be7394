"""Staging of uploads: resumable, limited in size, written and hashed in parallel.

Memory use is constant: a receiver holds a few blocks, and its ``backlog`` shows when to wait.
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
_MOST_PENDING_BLOCKS = 8
_HASHES_KEPT = 256


@dataclass(frozen=True)
class Received:
    """The received bytes in staging: their number and their SHA-256."""

    size_bytes: int
    sha256: str


class DiskGuard:
    """Stops writes on a nearly full disk, and allows them again below a lower limit."""

    def __init__(self, folder: Path, *, stop_percent: float, resume_percent: float) -> None:
        self._folder = folder
        self._stop = stop_percent
        self._resume = min(resume_percent, stop_percent)
        self._closed = False

    def require_space(self) -> None:
        """Require free disk space.

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
                remedy="delete models or datasets, or try again later",
            )


class Staging:
    """A folder of unfinished uploads and the running hash of each."""

    def __init__(self, folder: Path, guard: DiskGuard) -> None:
        self.folder = folder
        self.guard = guard
        self._lock = threading.Lock()
        self._hashes: OrderedDict[str, tuple[int, Any]] = OrderedDict()

    def path(self, name: str) -> Path:
        """The file of an upload, by the upload's id."""
        return self.folder / name

    def size(self, name: str) -> int:
        """The number of bytes in staging; 0 without a file."""
        path = self.path(name)
        return path.stat().st_size if path.exists() else 0

    def remove(self, name: str) -> None:
        """Delete the bytes of an upload."""
        self._take_hash(name, 0)
        self.path(name).unlink(missing_ok=True)

    def receive(self, name: str, *, offset: int, limit: int) -> "Receiver":
        """Open an upload at ``offset``; it can grow to ``limit`` bytes.

        Raises:
            ConflictError: ``upload_busy``: another request writes to it.
            UnavailableError: ``disk_full``.
        """
        self.guard.require_space()
        file = _locked(self.path(name))
        file.truncate(offset)
        file.seek(offset)
        hasher = self._take_hash(name, offset) or _hash_of(file, offset)
        return Receiver(self, name, file, hasher=hasher, limit=limit)

    def keep_hash(self, name: str, offset: int, hasher: Any) -> None:
        """Store the running hash of the first ``offset`` bytes for the next part."""
        with self._lock:
            self._hashes[name] = (offset, hasher)
            while len(self._hashes) > _HASHES_KEPT:
                self._hashes.popitem(last=False)

    def _take_hash(self, name: str, offset: int) -> Any | None:
        with self._lock:
            entry = self._hashes.pop(name, None)
        return entry[1] if entry is not None and entry[0] == offset else None


class Receiver:
    """An upload that is open for writing: ``feed`` blocks, wait for ``backlog``, then ``close``."""

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
        self._pending: deque[tuple[Future[Any], int]] = deque()

    def feed(self, block: bytes) -> None:
        """Write the next bytes in the background.

        Raises:
            TooLargeError: More bytes than the limit.
            UnavailableError: ``disk_full``.
        """
        if self.offset + len(block) > self._limit:
            raise TooLargeError(
                f"the upload has more than {self._limit} bytes",
                code="upload_too_large",
                remedy="send exactly the size that you announced, within the limits of the service",
            )
        if self.offset - self._checked >= CHECK_SPACE_BYTES:
            self._staging.guard.require_space()
            self._checked = self.offset
        self.offset += len(block)
        self._pending.append((self._hashing.submit(self._hasher.update, block), 0))
        self._pending.append((self._writing.submit(_write_all, self._file, block), len(block)))

    def backlog(self) -> Future[Any] | None:
        """What to wait for before the next ``feed``; None if there is nothing to wait for."""
        while self._pending and self._pending[0][0].done():
            self._pending.popleft()[0].result()
        return self._pending[0][0] if len(self._pending) > _MOST_PENDING_BLOCKS else None

    @property
    def settled(self) -> int:
        """The number of bytes that are certainly in the file; the rest is pending."""
        return self.offset - sum(size for _, size in self._pending)

    def close(self) -> Received:
        """Finish pending writes; all bytes are now in the file and hashed."""
        try:
            while self._pending:
                self._pending.popleft()[0].result()
            self._file.flush()
            self._staging.keep_hash(self.name, self.offset, self._hasher)
        finally:
            self._release()
        return Received(self.offset, self._hasher.hexdigest())

    def abandon(self) -> None:
        """Stop and delete the received bytes."""
        self._release()
        self._staging.remove(self.name)

    def _release(self) -> None:
        self._writing.shutdown(wait=True)
        self._hashing.shutdown(wait=True)
        self._pending.clear()
        self._file.close()


def _write_all(file: BinaryIO, block: bytes) -> None:
    """Write the whole block.

    Raises:
        UnavailableError: ``disk_full``: the write failed.
    """
    rest = memoryview(block)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as error:
        raise UnavailableError(
            f"writing to the disk failed: {error}",
            code="disk_full",
            remedy="free disk space, then resume the upload",
        ) from error


def _locked(path: Path) -> BinaryIO:
    """The file, created if necessary and locked against other writers on this machine."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    file = os.fdopen(handle, "r+b", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise ConflictError(
            "another request is sending bytes of this upload",
            code="upload_busy",
            remedy="wait until it finishes, get the offset with HEAD, and resume there",
        ) from None
    return file


def _hash_of(file: BinaryIO, length: int) -> Any:
    """The running hash of the first ``length`` bytes, read again from the file."""
    hasher = hashlib.sha256()
    file.seek(0)
    remaining = length
    while remaining > 0 and (block := file.read(min(remaining, BLOCK_BYTES))):
        hasher.update(block)
        remaining -= len(block)
    file.seek(length)
    return hasher
