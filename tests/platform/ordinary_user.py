"""A command prefix that runs a command as an ordinary user, if this machine allows it."""

import os
import subprocess
from pathlib import Path

import pytest

UID = 65534
_NAMESPACE = ("unshare", "--user", f"--map-user={UID}", f"--map-group={UID}")
_MOUNTED = (
    'mount --bind "$1" /etc/nsswitch.conf && mount --bind "$2" /etc/passwd && shift 2 && exec "$@"'
)


def as_ordinary_user() -> tuple[str, ...]:
    """Nothing where the tests run as one; root becomes another user in a namespace of its own.

    There it has neither root's number nor root's rights, and still reads the code where it lies.
    """
    if os.geteuid() != 0:
        return ()
    return _working(_NAMESPACE)


def where_only_files_name_users(folder: Path, *, name: str) -> tuple[str, ...]:
    """A prefix that runs as an ordinary user with this name, from a user database in one file."""
    services, users = folder / "nsswitch.conf", folder / "passwd"
    services.write_text("passwd: files\ngroup: files\n")
    users.write_text(f"{name}:x:{UID}:{UID}::/nonexistent:/bin/false\n")
    mounts = ("unshare", "--mount") if os.geteuid() == 0 else (*_NAMESPACE[:2], "--map-root-user", "--mount")  # fmt: skip
    shell = ("sh", "-c", _MOUNTED, "sh", str(services), str(users))
    return _working((*mounts, *shell, *_NAMESPACE))


def _working(words: tuple[str, ...]) -> tuple[str, ...]:
    """The prefix if it works on this machine; otherwise skip the test."""
    try:
        done = subprocess.run([*words, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        pytest.skip(f"no ordinary user can be had here: {error}")
    if done.returncode != 0:
        pytest.skip(f"no ordinary user can be had here: {done.stderr.strip()}")
    return words
