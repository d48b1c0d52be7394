"""The sandbox of a job's child: defense in depth, since the file formats already carry no code.

``enter`` applies every ``SandboxLayer`` to the calling process, which must have one thread. It
reports the layers that the kernel does not offer; ``require_all`` refuses to run without them.
``python -m workers.isolation.sandbox`` prints which layers work on this machine.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from service.core.errors import UnavailableError
from workers.isolation import environment, landlock, memory, seccomp

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NAME = 15
_PR_SET_NO_NEW_PRIVS = 38
_PROCESS_NAME_CHARACTERS = 15
_LARGEST_FILE_BYTES = 64 * 1024**3
_OPEN_FILES = 1024
_SECONDS_AFTER_SIGNAL = 5
_KILLED_FIRST = "1000"
_TRIAL_BYTES = 1024**3


class SandboxLayer(StrEnum):
    """One restriction of the process."""

    ENVIRONMENT = "empty environment"
    SESSION = "own session"
    KILLED_FIRST = "killed before other processes when memory runs out"
    NO_NEW_PRIVILEGES = "no new privileges"
    NOT_DUMPABLE = "memory closed to others"
    LIMITS = "resource limits"
    LANDLOCK = "file system (landlock)"
    SECCOMP = "system calls (seccomp)"


@dataclass(frozen=True)
class SandboxPolicy:
    """What a child may use: folders to read and write, seconds of processor, bytes of memory.

    The child works in the last writable folder, and temporary files go there. ``memory_bytes`` is
    what it may map beyond what it has mapped already; None where CUDA reserves more than it uses.
    """

    readable: tuple[Path, ...]
    writable: tuple[Path, ...]
    devices: tuple[Path, ...]
    cpu_seconds: int
    memory_bytes: int | None


def enter(policy: SandboxPolicy) -> dict[SandboxLayer, str]:
    """Apply every layer to the calling process; none can be undone.

    Returns:
        The layers that could not be applied, with the reason.
    """
    layers: tuple[tuple[SandboxLayer, Callable[[], None]], ...] = (
        (SandboxLayer.ENVIRONMENT, lambda: environment.enter(policy.writable[-1])),
        (SandboxLayer.SESSION, _own_session),
        # Before the next layers, which close the file to the process itself.
        (SandboxLayer.KILLED_FIRST, _be_killed_first),
        (SandboxLayer.NO_NEW_PRIVILEGES, lambda: _prctl(_PR_SET_NO_NEW_PRIVS, 1)),
        (SandboxLayer.NOT_DUMPABLE, lambda: _prctl(_PR_SET_DUMPABLE, 0)),
        (SandboxLayer.LIMITS, lambda: _limit(policy)),
        (
            SandboxLayer.LANDLOCK,
            lambda: landlock.restrict(policy.readable, policy.writable, policy.devices),
        ),
        (SandboxLayer.SECCOMP, seccomp.restrict),
    )
    missing = {}
    for layer, apply in layers:
        try:
            apply()
        except OSError as error:
            missing[layer] = str(error)
    return missing


def require_all(missing: dict[SandboxLayer, str]) -> None:
    """Refuse to continue without every layer. Raises UnavailableError."""
    if missing:
        names = ", ".join(missing)
        raise UnavailableError(
            f"this machine lacks sandbox layers: {names}",
            code="sandbox_incomplete",
            remedy="use a newer kernel, or unset ZOO_REQUIRE_SANDBOX to accept the risk",
        )


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies."""
    parent = os.getppid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def process_name(job_id: str) -> str:
    """The name of a job's process in process lists: the end of the id, which is unique."""
    return job_id[-_PROCESS_NAME_CHARACTERS:]


def name_process(job_id: str) -> None:
    """Name the calling process after its job; nothing else of a closed process can be seen."""
    text = ctypes.create_string_buffer(process_name(job_id).encode())
    _prctl(_PR_SET_NAME, ctypes.addressof(text))


def _own_session() -> None:
    """Lead a session, so that one signal reaches this child and all its descendants."""
    if os.getpid() != os.getsid(0):
        os.setsid()


def _be_killed_first() -> None:
    """Have the kernel choose this process when memory runs out; raising the score is free to all."""
    Path("/proc/self/oom_score_adj").write_text(_KILLED_FIRST)


def _limit(policy: SandboxPolicy) -> None:
    """Limit processor time, files and memory; threads are left to the system-call filter."""
    limits = {
        resource.RLIMIT_CORE: (0, 0),
        # The signal of the lower limit tells time from memory; at the upper one the kernel kills.
        resource.RLIMIT_CPU: (policy.cpu_seconds, policy.cpu_seconds + _SECONDS_AFTER_SIGNAL),
        resource.RLIMIT_NOFILE: (_OPEN_FILES, _OPEN_FILES),
        resource.RLIMIT_FSIZE: (_LARGEST_FILE_BYTES, _LARGEST_FILE_BYTES),
    }
    if policy.memory_bytes is not None:
        # Of the address space, mapped files and reserved ranges take no memory of this process.
        data = memory.data_bytes() + policy.memory_bytes
        limits[resource.RLIMIT_DATA] = (data, data)
        limits[resource.RLIMIT_AS] = (_address_space_bytes(), _address_space_bytes())
    for kind, amounts in limits.items():
        _, hard = resource.getrlimit(kind)
        highest = max(amounts) if hard == resource.RLIM_INFINITY else hard
        resource.setrlimit(kind, (min(amounts[0], highest), min(amounts[1], highest)))


def _address_space_bytes() -> int:
    """What is mapped already, mostly libraries, plus the machine's memory."""
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    return mapped + os.sysconf("SC_PHYS_PAGES") * resource.getpagesize()


def _prctl(option: int, value: int) -> None:
    """Call prctl(2). Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def code_folders() -> tuple[Path, ...]:
    """The folders of Python, its packages and Zooscope's code, which a child may read."""
    root = Path(__file__).resolve().parents[2]
    own = (root / "workers", root / "service")
    python = {Path(p).resolve() for p in (sys.prefix, sys.base_prefix) if p != "/usr"}
    system = (Path("/usr/lib"), Path("/usr/lib64"), Path("/usr/local/lib"), Path("/lib"))
    return tuple(p for p in (*own, *python, *system, Path("/lib64")) if p.exists())


def system_files() -> tuple[Path, ...]:
    """Files that libraries read for processors, memory, time zone and the process itself."""
    names = (
        "/proc/self",
        "/proc/cpuinfo",
        "/proc/meminfo",
        "/proc/stat",
        "/proc/driver",
        "/proc/sys/vm",
        "/sys/devices",
        "/sys/fs/cgroup",
        "/etc/ld.so.cache",
        "/etc/localtime",
        "/dev/urandom",
        "/dev/random",
        "/dev/zero",
    )
    return tuple(Path(name) for name in names if Path(name).exists())


def device_files(device: str) -> tuple[Path, ...]:
    """Devices a child that computes on ``device``, ``cpu`` or ``cuda``, may write to."""
    paths = [Path("/dev/null")]
    if device == "cuda":
        paths += [*sorted(Path("/dev").glob("nvidia*")), Path("/dev/shm")]
    return tuple(paths)


def active_layers() -> dict[str, str | None]:
    """Every layer by name; None where it works on this machine, else the reason why not.

    The layers are tried in a forked child, so the caller must have one thread.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writer, json.dumps(enter(_trial_policy())).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        missing = json.loads(pipe.read() or "{}")
    os.waitpid(pid, 0)
    return {layer.value: missing.get(layer.value) for layer in SandboxLayer}


def _trial_policy() -> SandboxPolicy:
    """A policy for trying the layers."""
    writable = (Path("/dev"),)
    return SandboxPolicy(system_files(), writable, (), cpu_seconds=60, memory_bytes=_TRIAL_BYTES)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(active_layers(), indent=2) + "\n")
