"""Files and folders that only their owner can read."""

import os
import stat
from pathlib import Path

_OTHERS = 0o077


def create_private_files() -> None:
    """Whatever this process and those it starts create is closed to every other user."""
    os.umask(_OTHERS)


def private_folder(folder: Path) -> Path:
    """The folder, created if missing; only its owner can enter it.

    A folder that belongs to another user keeps its mode.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_mode & _OTHERS and status.st_uid == os.geteuid():
        folder.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)
    return folder
