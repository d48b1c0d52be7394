"""A control group (v2) of its own for each child, where the worker's group was delegated to it.

The kernel then limits all memory of a child, page cache and sockets included, and says whether the
child was killed for it. Where no group was delegated, the limit of the child's own data holds alone.
"""

import contextlib
import errno
import os
import time
from dataclasses import dataclass
from pathlib import Path

_HIERARCHY = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")
_UNIFIED = "0::"
# systemd sets them on the groups of units with Delegate=yes; old versions only the second.
_DELEGATION = ("user.delegate", "trusted.delegate")
# A large process takes a moment to give its memory back.
_REMOVAL_SECONDS, _LOOK_SECONDS = 5.0, 0.01


@dataclass(frozen=True)
class ControlGroup:
    """The group of one child."""

    folder: Path

    def add(self, pid: int) -> None:
        """Move a process into the group. Raises OSError."""
        (self.folder / "cgroup.procs").write_text(str(pid))

    def kills(self) -> int:
        """How many processes of the group the kernel killed because the group's memory ran out."""
        for line in _lines(self.folder / "memory.events"):
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
        return 0

    def remove(self) -> None:
        """Remove the group once its killed processes have ended; the kernel refuses it before."""
        give_up = time.monotonic() + _REMOVAL_SECONDS
        while time.monotonic() < give_up:
            try:
                self.folder.rmdir()
            except OSError as error:
                if error.errno != errno.EBUSY:
                    return
                time.sleep(_LOOK_SECONDS)
            else:
                return


def delegated_folder(
    *, hierarchy: Path = _HIERARCHY, membership: Path = _MEMBERSHIP
) -> Path | None:
    """The folder in which this process may make groups with a memory limit; None if there is none."""
    paths = [
        line.removeprefix(_UNIFIED) for line in _lines(membership) if line.startswith(_UNIFIED)
    ]
    if not paths:
        return None
    # A group with processes cannot limit its children, so they are made beside this process's.
    folder = (hierarchy / paths[0].lstrip("/")).parent
    if folder == hierarchy.parent or not _is_delegated(folder):
        return None
    return folder if _limits_memory(folder) else None


def _is_delegated(folder: Path) -> bool:
    """Whether groups may be made in the folder; root may everywhere, so there a mark decides."""
    if os.geteuid() != 0:
        return os.access(folder, os.W_OK)
    return any(_mark(folder, name) == b"1" for name in _DELEGATION)


def _mark(folder: Path, name: str) -> bytes:
    """An extended attribute of a group; empty if it has none."""
    try:
        return os.getxattr(folder, name)
    except OSError:
        return b""


def _limits_memory(folder: Path) -> bool:
    """Whether groups in the folder limit memory; switches it on where that is allowed."""
    switch = folder / "cgroup.subtree_control"
    if "memory" not in " ".join(_lines(switch)).split():
        with contextlib.suppress(OSError):
            switch.write_text("+memory")
    return (folder / "cgroup.procs").exists() and "memory" in " ".join(_lines(switch))


def group_in(folder: Path, name: str, *, memory_bytes: int) -> ControlGroup:
    """A new group whose processes may use so much memory together. Raises OSError."""
    group = ControlGroup(folder / name)
    group.folder.mkdir()
    (group.folder / "memory.max").write_text(str(memory_bytes))
    with contextlib.suppress(OSError):
        (group.folder / "memory.swap.max").write_text("0")
    return group


def _lines(file: Path) -> list[str]:
    """Lines of a file of the kernel; none if it is not there."""
    try:
        return file.read_text().splitlines()
    except OSError:
        return []
