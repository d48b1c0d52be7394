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
from service.core.machine_faults import machine_fault_in, storage_full

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
    """Stops work on nearly full disks, and allows it again below a lower limit."""

    def __init__(self, *folders: Path, stop_percent: float, resume_percent: float) -> None:
        self._folders = folders
        self._stop = stop_percent
        self._resume = min(resume_percent, stop_percent)
        self._closed = False

    def require_space(self) -> None:
        """Require free space on every disk.

        Raises:
            StorageFullError: ``storage_full``.
        """
        percent, folder = max((used_percent(folder), folder) for folder in self._folders)
        limit = self._resume if self._closed else self._stop
        self._closed = percent >= limit
        if self._closed:
            raise storage_full(
                f"the disk of {folder} is {percent:.0f} % full, the limit {limit:g} %"
            )


def used_percent(folder: Path) -> float:
    """Share of the space that this user can write which is in use, in percent."""
    usage = shutil.disk_usage(folder)
    return 100 * usage.used / max(1, usage.used + usage.free)


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
            StorageFullError: There is no room.
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
    """An upload that is open for writing: ``feed`` blocks, wait for ``backlog``, then ``close``.

    ``offset`` counts the bytes that were fed, ``written`` those that are certainly in the file.
    """

    def __init__(
        self, staging: Staging, name: str, file: BinaryIO, *, hasher: Any, limit: int
    ) -> None:
        self._staging = staging
        self.name = name
        self._file = file
        self._hasher = hasher
        self._limit = limit
        self._checked = self.offset = self.written = file.tell()
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._hashing = ThreadPoolExecutor(1, thread_name_prefix="hash")
        self._pending: deque[Future[Any]] = deque()
        self._fault: UnavailableError | None = None

    def feed(self, block: bytes) -> None:
        """Write the next bytes in the background.

        Raises:
            TooLargeError: More bytes than the limit.
            StorageFullError: There is no room.
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
        self._pending.append(self._hashing.submit(self._hasher.update, block))
        self._pending.append(self._writing.submit(self._write, block))

    def _write(self, block: bytes) -> None:
        """Write the whole block, unless an earlier one could not be written.

        Raises:
            UnavailableError: The machine refused it; ``written`` bytes are in the file.
        """
        if self._fault is not None:
            raise self._fault
        try:
            _write_all(self._file, block)
        except OSError as error:
            self._fault = machine_fault_in(error) or storage_full(str(error))
            raise self._fault from error
        self.written += len(block)

    def backlog(self) -> Future[Any] | None:
        """What to wait for before the next ``feed``; None if there is nothing to wait for."""
        while self._pending and self._pending[0].done():
            self._pending.popleft().result()
        return self._pending[0] if len(self._pending) > _MOST_PENDING_BLOCKS else None

    def close(self) -> Received:
        """Finish pending writes; all bytes are now in the file and hashed.

        Raises:
            UnavailableError: The machine refused a write; ``written`` bytes are in the file.
        """
        try:
            while self._pending:
                self._pending.popleft().result()
            if self._fault is not None:
                raise self._fault
            self._staging.keep_hash(self.name, self.offset, self._hasher)
        finally:
            self._release()
        return Received(self.offset, self._hasher.hexdigest())

    def discard(self, offset: int) -> None:
        """Stop; of the received bytes, only those before ``offset`` remain."""
        self._finish_writes()
        self._file.truncate(offset)
        self._file.close()

    def abandon(self) -> None:
        """Stop and delete the received bytes."""
        self._release()
        self._staging.remove(self.name)

    def _release(self) -> None:
        self._finish_writes()
        self._file.close()

    def _finish_writes(self) -> None:
        self._writing.shutdown(wait=True)
        self._hashing.shutdown(wait=True)
        self._pending.clear()


def _write_all(file: BinaryIO, block: bytes) -> None:
    """Write the whole block."""
    rest = memoryview(block)
    while rest:
        rest = rest[file.write(rest) :]


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
