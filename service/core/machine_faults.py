"""Which exceptions are faults of the machine: a full disk, no file descriptors, failing hardware.

Such a fault says nothing about the input that met it: requests get a typed error, jobs wait and are
tried again.
"""

import errno
from collections.abc import Iterator

from service.core.errors import StorageFullError, UnavailableError

MACHINE_FAULT = "machine_fault"
WAITING_CODES = frozenset({StorageFullError.code, MACHINE_FAULT})
"""Codes of errors after which a job waits for the machine instead of using up its attempts."""

_STORAGE = frozenset({errno.ENOSPC, errno.EDQUOT})
_MACHINE = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOBUFS,
        errno.EAGAIN,
        errno.EIO,
        errno.EROFS,
        errno.ESTALE,
    }
)
# safetensors derives its error from Exception alone.
_WORDY = frozenset({"SafetensorError"})
# Libraries report some failed system calls in words only.
_STORAGE_WORDS = (
    "no space left on device",
    "disk quota exceeded",
    "not enough free space",
    "failed writing file",
)
_MACHINE_WORDS = (
    "too many open files",
    "input/output error",
    "read-only file system",
    "resource temporarily unavailable",
    "cpuinfo",
)


def machine_fault_in(error: BaseException) -> UnavailableError | None:
    """The typed error for the fault of the machine that ``error`` is or that led to it, if any."""
    for link in chain_of(error):
        if isinstance(link, StorageFullError):
            return link
        fault = as_machine_fault(link)
        if fault is not None:
            return fault
    return None


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """The exception and those that led to it, the latest first."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def as_machine_fault(error: BaseException) -> UnavailableError | None:
    """The typed error for the fault that this one exception is, whatever led to it."""
    if isinstance(error, MemoryError):
        return _machine_fault(error)
    if isinstance(error, OSError) and error.errno is not None:
        if error.errno in _STORAGE:
            return storage_full(error.strerror or str(error))
        return _machine_fault(error) if error.errno in _MACHINE else None
    return _fault_in_words(error)


def _fault_in_words(error: BaseException) -> UnavailableError | None:
    """The typed error for an exception without an error number."""
    if not isinstance(error, OSError | RuntimeError) and type(error).__name__ not in _WORDY:
        return None
    words = str(error).lower()
    if any(phrase in words for phrase in _STORAGE_WORDS):
        return storage_full(str(error)[:300])
    return _machine_fault(error) if any(phrase in words for phrase in _MACHINE_WORDS) else None


def storage_full(reason: str) -> StorageFullError:
    """The error for a disk or quota without room."""
    return StorageFullError(
        f"the storage of the zoo is full: {reason}",
        remedy="free space on the zoo's disks; what waits, and interrupted uploads, then resume",
    )


def _machine_fault(error: BaseException) -> UnavailableError:
    named = isinstance(error, OSError) and error.strerror
    reason = named or str(error)[:300] or "memory ran out"
    return UnavailableError(
        f"the machine refused a system call: {reason}",
        code=MACHINE_FAULT,
        remedy="check the machine's memory, limits on open files, and disks, then try again",
    )
