"""The walls around a job's child: defence in depth, for the formats already carry no code.

Each wall is a ``SandboxLayer``. ``enter`` raises them all in the calling process, which must have one
thread; what the kernel does not offer is reported, and refused when the sandbox is required.
``python -m workers.isolation.sandbox`` prints which layers hold on this machine.
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
from workers.isolation import environment, landlock, seccomp

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_LARGEST_FILE_BYTES = 64 * 1024**3
_OPEN_FILES = 1024


class SandboxLayer(StrEnum):
    """One wall."""

    ENVIRONMENT = "empty environment"
    SESSION = "own session"
    NO_NEW_PRIVILEGES = "no new privileges"
    NOT_DUMPABLE = "memory closed to others"
    LIMITS = "resource limits"
    LANDLOCK = "file system (landlock)"
    SECCOMP = "system calls (seccomp)"


class Memory(StrEnum):
    """Whether address space is limited; CUDA reserves far more than it uses."""

    LIMITED = "limited"
    FREE = "free"


@dataclass(frozen=True)
class SandboxPolicy:
    """What a child may use: folders to read and write, seconds of processor, kind of memory.

    The child works in the last writable folder, and temporary files go there.
    """

    readable: tuple[Path, ...]
    writable: tuple[Path, ...]
    devices: tuple[Path, ...]
    cpu_seconds: int
    memory: Memory


def enter(room: SandboxPolicy) -> dict[SandboxLayer, str]:
    """Raise every wall around the calling process, for good.

    Returns:
        The layers that could not be raised, with the reason.
    """
    walls: tuple[tuple[SandboxLayer, Callable[[], None]], ...] = (
        (SandboxLayer.ENVIRONMENT, lambda: environment.enter(room.writable[-1])),
        (SandboxLayer.SESSION, _own_session),
        (SandboxLayer.NO_NEW_PRIVILEGES, lambda: _prctl(_PR_SET_NO_NEW_PRIVS, 1)),
        (SandboxLayer.NOT_DUMPABLE, lambda: _prctl(_PR_SET_DUMPABLE, 0)),
        (SandboxLayer.LIMITS, lambda: _limit(room)),
        (
            SandboxLayer.LANDLOCK,
            lambda: landlock.restrict(room.readable, room.writable, room.devices),
        ),
        (SandboxLayer.SECCOMP, seccomp.restrict),
    )
    missing = {}
    for layer, raise_wall in walls:
        try:
            raise_wall()
        except OSError as error:
            missing[layer] = str(error)
    return missing


def require_all(missing: dict[SandboxLayer, str]) -> None:
    """Refuse to go on without every wall. Raises UnavailableError."""
    if missing:
        names = ", ".join(missing)
        raise UnavailableError(
            f"this machine cannot raise: {names}",
            code="sandbox_incomplete",
            remedy="use a newer kernel, or unset ZOO_REQUIRE_SANDBOX to accept the risk",
        )


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies."""
    parent = os.getppid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _own_session() -> None:
    """Lead a session of one's own, so that one signal reaches whatever comes of this child."""
    if os.getpid() != os.getsid(0):
        os.setsid()


def _limit(room: SandboxPolicy) -> None:
    """Bound processor time, files and memory; threads are left to the system-call filter."""
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: room.cpu_seconds,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_FSIZE: _LARGEST_FILE_BYTES,
    }
    if room.memory is Memory.LIMITED:
        limits[resource.RLIMIT_AS] = _address_space_bytes()
    for kind, amount in limits.items():
        _, hard = resource.getrlimit(kind)
        most = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
        resource.setrlimit(kind, (most, most))


def _address_space_bytes() -> int:
    """What is mapped already, mostly libraries, and once the machine's memory."""
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    return mapped + os.sysconf("SC_PHYS_PAGES") * resource.getpagesize()


def _prctl(option: int, value: int) -> None:
    """Call prctl(2). Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def code_folders() -> tuple[Path, ...]:
    """Where Python, its packages and our own code lie; a child may read them."""
    here = Path(__file__).resolve().parent
    own = (here, here.parent / "service")
    python = {Path(p).resolve() for p in (sys.prefix, sys.base_prefix) if p != "/usr"}
    system = (Path("/usr/lib"), Path("/usr/lib64"), Path("/usr/local/lib"), Path("/lib"))
    return tuple(p for p in (*own, *python, *system, Path("/lib64")) if p.exists())


def system_files() -> tuple[Path, ...]:
    """What libraries ask of the system: processors, memory, time zone, the process itself."""
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


def device_files(*, cuda: bool) -> tuple[Path, ...]:
    """Devices a child may write to."""
    found = [Path("/dev/null")]
    if cuda:
        found += [*sorted(Path("/dev").glob("nvidia*")), Path("/dev/shm")]
    return tuple(found)


def active_layers() -> dict[str, str | None]:
    """Every layer by name; None where it holds on this machine, else why it does not.

    The walls are tried in a forked child, so the caller must have one thread.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writer, json.dumps(enter(_trial_room())).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answers:
        missing = json.loads(answers.read() or "{}")
    os.waitpid(pid, 0)
    return {layer.value: missing.get(layer.value) for layer in SandboxLayer}


def _trial_room() -> SandboxPolicy:
    """A room for trying the walls."""
    nowhere = (Path("/dev"),)
    return SandboxPolicy(system_files(), nowhere, (), cpu_seconds=60, memory=Memory.LIMITED)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(active_layers(), indent=2) + "\n")
