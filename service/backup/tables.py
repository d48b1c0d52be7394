"""The tables of a database as files, and back."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from psycopg import sql
from sqlalchemy import Connection, text

from service.backup.manifest import SavedTable
from service.backup.store import BackupStore, damaged

_REVISIONS = "alembic_version"
_COLUMNS = text(
    "SELECT table_name, column_name FROM information_schema.columns"
    " JOIN information_schema.tables USING (table_schema, table_name)"
    " WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
    " AND is_generated = 'NEVER' ORDER BY table_name, ordinal_position"
)
_REFERENCES = text(
    "SELECT a.relname, b.relname FROM pg_constraint"
    " JOIN pg_class a ON a.oid = conrelid JOIN pg_class b ON b.oid = confrelid"
    " WHERE contype = 'f' AND connamespace = current_schema()::regnamespace AND a.oid <> b.oid"
)
_SEQUENCES = text(
    "SELECT table_name, column_name, pg_get_serial_sequence(quote_ident(table_name), column_name)"
    " FROM information_schema.columns WHERE table_schema = current_schema()"
    " AND pg_get_serial_sequence(quote_ident(table_name), column_name) IS NOT NULL"
)


@dataclass(frozen=True)
class TableShape:
    """A table's name, and its columns in order."""

    name: str
    columns: tuple[str, ...]


def tables_of(connection: Connection) -> list[TableShape]:
    """Every table of the zoo, each after those that it refers to."""
    columns: dict[str, list[str]] = {}
    for table, column in connection.execute(_COLUMNS):
        columns.setdefault(table, []).append(column)
    columns.pop(_REVISIONS, None)
    order = TopologicalSorter[str](dict.fromkeys(sorted(columns), ()))
    for table, referred in connection.execute(_REFERENCES):
        order.add(table, referred)
    return [TableShape(name, tuple(columns[name])) for name in order.static_order()]


def revision_of(connection: Connection) -> str:
    """The revision of the tables."""
    return str(connection.execute(text(f"SELECT version_num FROM {_REVISIONS}")).scalar_one())


def save_table(
    connection: Connection, table: TableShape, store: BackupStore, *, key: str, draft: Path
) -> SavedTable:
    """Write the rows of a table to the store by way of the local file ``draft``."""
    digest = hashlib.sha256()
    with draft.open("wb") as file, _cursor(connection) as cursor:
        with cursor.copy(_copy(table, "TO STDOUT")) as rows:
            for chunk in rows:
                file.write(chunk)
                digest.update(chunk)
        count = cursor.rowcount
    size_bytes = draft.stat().st_size
    store.put(key, draft)
    draft.unlink()
    return SavedTable(
        name=table.name,
        columns=list(table.columns),
        rows=count,
        key=key,
        sha256=digest.hexdigest(),
        size_bytes=size_bytes,
    )


def load_table(connection: Connection, saved: SavedTable, store: BackupStore) -> None:
    """Write the saved rows into the table. Raises UnavailableError if the file is damaged."""
    table = TableShape(saved.name, tuple(saved.columns))
    digest = hashlib.sha256()
    with _cursor(connection) as cursor, cursor.copy(_copy(table, "FROM STDIN")) as rows:
        for chunk in _chunks(saved, store):
            digest.update(chunk)
            rows.write(chunk)
        if digest.hexdigest() != saved.sha256:
            raise damaged(store, saved.key)


def clear_tables(connection: Connection) -> None:
    """Remove rows that migrations inserted; an empty table, such as the audit log, is not touched."""
    with _cursor(connection) as cursor:
        for table in reversed(tables_of(connection)):
            name = sql.Identifier(table.name)
            cursor.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(name))
            row = cursor.fetchone()
            if row is not None and row[0]:
                cursor.execute(sql.SQL("DELETE FROM {}").format(name))


def advance_sequences(connection: Connection) -> None:
    """Every sequence of a column stands after the largest number in that column."""
    for table, column, sequence in connection.execute(_SEQUENCES).all():
        statement = sql.SQL("SELECT setval({}, max({})) FROM {} HAVING max({}) IS NOT NULL")
        name = sql.Identifier(column)
        with _cursor(connection) as cursor:
            cursor.execute(
                statement.format(sql.Literal(sequence), name, sql.Identifier(table), name)
            )


def _chunks(saved: SavedTable, store: BackupStore) -> Iterator[bytes]:
    try:
        yield from store.read(saved.key)
    except FileNotFoundError:
        raise damaged(store, saved.key) from None


def _copy(table: TableShape, direction: str) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    statement = sql.SQL("COPY {} ({}) " + direction)
    return statement.format(sql.Identifier(table.name), columns)


def _cursor(connection: Connection) -> Any:
    """A cursor of the driver, which alone can copy."""
    driver: Any = connection.connection.driver_connection
    return driver.cursor()
