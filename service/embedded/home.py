"""The home folder with all state of one machine's zoo, and the process that owns it."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

import psutil

from service.core.errors import ConflictError
from service.core.home_secrets import Purpose, home_secret
from service.core.private_files import private_folder

STOP_SECONDS = 60.0
POLL_SECONDS = 0.1
_OWN_ENTRIES = frozenset(
    {
        "admin.key",
        "blobs",
        "cache",
        "lock",
        "logs",
        "postgres",
        "redis",
        "scratch",
        "staging",
        "up.json",
        "up.json.new",
        *Purpose,
    }
)


@dataclass(frozen=True)
class Running:
    """What a running ``zooscope up`` reports about itself.

    ``ready`` is False until both APIs answer and the worker takes jobs; ``parts`` maps component
    names to process ids.
    """

    rest_url: str
    grpc_address: str
    ready: bool
    parts: dict[str, int]
    pid: int = field(default_factory=os.getpid)


def postgres_of(home: Path) -> Path:
    """Data of the private Postgres of a home folder; nothing is created."""
    return home / "postgres"


def foreign_entry(folder: Path) -> Path | None:
    """A file or folder that no zoo puts into its home folder; None if there is none."""
    if not folder.is_dir():
        return None
    entries = sorted(entry for entry in folder.iterdir() if entry.name not in _OWN_ENTRIES)
    return entries[0] if entries else None


class Home:
    """Paths in the home folder, created on first use."""

    def __init__(self, folder: Path) -> None:
        self.folder = private_folder(folder)

    @property
    def postgres(self) -> Path:
        """Data of the private Postgres."""
        return postgres_of(self.folder)

    @property
    def redis(self) -> Path:
        """Log of the private Redis."""
        return self.folder / "redis"

    @property
    def admin_key(self) -> Path:
        """File with the key that the first start created; only its owner can read it."""
        return self.folder / "admin.key"

    @property
    def identity(self) -> bytes:
        """The secret that identifies a service of this home folder; created on first use."""
        return home_secret(self.folder, Purpose.IDENTITY)

    @property
    def logs(self) -> Path:
        """Folder of the component logs."""
        return self.folder / "logs"

    def log(self, part: str) -> Path:
        """Log file of a component."""
        return private_folder(self.logs) / f"{part}.log"

    def write_admin_key(self, token: str) -> None:
        """Write the key to a file that only its owner can read."""
        self.admin_key.unlink(missing_ok=True)
        self.admin_key.touch(mode=0o600)
        self.admin_key.write_text(token + "\n")

    def read_admin_key(self) -> str | None:
        """The key in that file; None if there is no file."""
        try:
            return self.admin_key.read_text().strip()
        except FileNotFoundError:
            return None

    def announce(self, running: Running) -> None:
        """Publish what runs here for other commands."""
        new_file = self.folder / "up.json.new"
        new_file.write_text(json.dumps(asdict(running)))
        new_file.replace(self.folder / "up.json")

    def running(self) -> Running | None:
        """What runs here now; None if nothing does."""
        try:
            running = Running(**json.loads((self.folder / "up.json").read_text()))
        except FileNotFoundError:
            return None
        return running if psutil.pid_exists(running.pid) and self._is_claimed() else None

    @contextmanager
    def claimed(self) -> Iterator[int]:
        """Own the folder during the block; yields the lock's file descriptor.

        A process that inherits the descriptor also owns the folder until it exits.

        Raises:
            ConflictError: ``home_in_use``, another ``zooscope up`` owns the folder.
        """
        with self._lock_file() as lock:
            self._take(lock)
            try:
                yield lock.fileno()
            finally:
                (self.folder / "up.json").unlink(missing_ok=True)

    def _take(self, lock: IO[str]) -> None:
        """Lock the file; the watchdog of a dead owner may hold it for a few more seconds."""
        give_up = time.monotonic() + STOP_SECONDS
        while not _locked(lock):
            running = self.running()
            if running is not None or time.monotonic() > give_up:
                raise _in_use(self.folder, running)
            time.sleep(POLL_SECONDS)

    def _is_claimed(self) -> bool:
        """Whether some process owns the folder."""
        with self._lock_file() as lock:
            return not _locked(lock)

    def _lock_file(self) -> IO[str]:
        return (self.folder / "lock").open("a")


def _locked(lock: IO[str]) -> bool:
    """Whether the lock was acquired; closing the file releases it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _in_use(folder: Path, running: Running | None) -> ConflictError:
    """The error for a second owner."""
    who = (
        f"process {running.pid} serves it at {running.rest_url}"
        if running is not None
        else "its processes are still stopping"
    )
    return ConflictError(
        f"a zoo already runs in {folder}: {who}",
        code="home_in_use",
        remedy=f"use it, stop it with `zooscope down --home {folder}`, or choose another --home",
    )
