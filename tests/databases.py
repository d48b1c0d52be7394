"""Migrated databases for tests: a test leaves its database behind, and the next one gets it empty."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import create_engine

from service.embedded.postgres import PrivatePostgres
from service.migrate import migrate

TEMPLATE = "template"
_REVISIONS = "alembic_version"
_TERMINATE_MILLISECONDS = 60_000
_LARGE_BYTES = 256 * 1024
_TABLES = """
    SELECT oid, relname, relnatts, relhastriggers, relkind::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace ORDER BY oid
"""
_RESTART = """
    SELECT setval(oid, 1, false) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
"""


class MigratedDatabases:
    """Databases of one server. To empty a used one takes less than half of the time of a new copy."""

    def __init__(self, server: PrivatePostgres) -> None:
        self.server = server
        self._numbers = count(1)
        self._idle: list[str] = []
        server.create_database(TEMPLATE)
        engine = create_engine("postgresql+psycopg://" + server.url(TEMPLATE).split("://", 1)[1])
        migrate(engine)
        engine.dispose()
        with self._connection(TEMPLATE) as connection:
            self._tables = connection.execute(_TABLES).fetchall()

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The address of a database with migrated, empty tables; it is valid inside the block."""
        name = self._idle.pop() if self._idle else self._created()
        yield self.server.url(name)
        self._take_back(name)

    def _created(self) -> str:
        name = self._new_name()
        self.server.create_database(name, template=TEMPLATE)
        return name

    def _take_back(self, name: str) -> None:
        """Keep the database for a later test, unless its tables are no longer the migrated ones."""
        renamed = self._new_name()
        try:
            self._rename(name, renamed)
        except psycopg.errors.InvalidCatalogName:
            return  # the test has dropped it
        except psycopg.errors.ObjectInUse:
            self.server.drop_database(name)
            return
        with self._connection(renamed) as connection:
            usable = connection.execute(_TABLES).fetchall() == self._tables
            if usable:
                self._empty(connection)
        if usable:
            self._idle.append(renamed)
        else:
            self.server.drop_database(renamed)

    def _rename(self, name: str, renamed: str) -> None:
        """Close all connections and rename it, so that a client that is left over reaches no other test."""
        with self._connection("postgres") as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity WHERE datname = %s",
                [_TERMINATE_MILLISECONDS, name],
            )
            connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                    *map(sql.Identifier, (name, renamed))
                )
            )

    def _empty(self, connection: psycopg.Connection[Any]) -> None:
        """Remove every row, also from the tables whose triggers forbid it, and restart all counters."""
        names = [row[1] for row in self._tables if row[4] == "r" and row[1] != _REVISIONS]
        probes = [
            sql.SQL("SELECT {}, pg_relation_size({}) > {} WHERE EXISTS (SELECT FROM {})").format(
                name, name, _LARGE_BYTES, sql.Identifier(name)
            )
            for name in names
        ]
        used = connection.execute(sql.SQL(" UNION ALL ").join(probes)).fetchall()
        connection.execute("SET session_replication_role = replica")
        for name, is_large in used:
            # To truncate a table makes new files for it and its indexes; a few rows cost less.
            statement = "TRUNCATE {} CASCADE" if is_large else "DELETE FROM {}"
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
        connection.execute(_RESTART)

    def _connection(self, name: str) -> psycopg.Connection[Any]:
        return psycopg.connect(self.server.url(name), autocommit=True)

    def _new_name(self) -> str:
        return f"test_{next(self._numbers)}"
