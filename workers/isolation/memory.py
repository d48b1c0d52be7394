"""The memory that a job may use: an equal share of what the machine, or its control group, allows."""

import ctypes
import os
import resource
from pathlib import Path

# Database, broker, servers and the worker itself need memory while jobs run.
_RESERVED_SHARE = 0.15
_CONTROL_GROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
_OVERCOMMIT = Path("/proc/sys/vm/overcommit_memory")
_NEVER = "2"
# Options of glibc's mallopt (malloc.h), and the largest value that they take.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_THRESHOLD = 2**31 - 1


def machine_bytes() -> int:
    """Memory of this machine in bytes, or the limit of its control group if that is smaller."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([physical, *(limit for path in _CONTROL_GROUP_LIMITS if (limit := _limit(path)))])


def share_bytes(processes: int, *, machine: int) -> int:
    """An equal share of the memory for each of several processes, after a reserve."""
    return int(machine * (1 - _RESERVED_SHARE)) // processes


def data_bytes() -> int:
    """Bytes of private writable memory that this process has mapped."""
    return int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")


def free_bytes() -> int | None:
    """What this process may still map of its share; None if its memory is not limited."""
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    return None if limit == resource.RLIM_INFINITY else max(0, limit - data_bytes())


def reuse_freed_memory() -> None:
    """Freed memory stays with this process until it ends, where the C library can be asked for it.

    Passes over many batches free and take the same large blocks; the kernel would clear each
    of them again. Only for a process that ends with its job.
    """
    option = getattr(ctypes.CDLL(None), "mallopt", None)
    if option is not None:
        option(_MMAP_THRESHOLD, _LARGEST_THRESHOLD)
        option(_TRIM_THRESHOLD, _LARGEST_THRESHOLD)


def refusals_are_own() -> bool:
    """Whether the kernel refuses memory only for a process's own limit, not for the machine's."""
    return _OVERCOMMIT.read_text().strip() != _NEVER


def _limit(path: Path) -> int | None:
    """The number of bytes in a file of a control group; None without one or without a limit."""
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
