"""Compares the migrated tables with the records, or writes the migration that makes them equal.

python migrations/against_tables.py check
python migrations/against_tables.py write "what changes"
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine

from service.core.tables import TableRow
from service.embedded.postgres import PrivatePostgres
from service.migrate import MIGRATIONS, configuration, migrate


@contextmanager
def migrated() -> Iterator[Engine]:
    """A private database at the newest revision, gone afterwards."""
    with (
        tempfile.TemporaryDirectory() as folder,
        PrivatePostgres(Path(folder) / "postgres") as server,
    ):
        server.create_database("zooscope")
        address = server.url().split("://", 1)[1]
        engine = create_engine(f"postgresql+psycopg://{address}")
        migrate(engine)
        yield engine
        engine.dispose()


def differences(connection: Connection) -> list[object]:
    """What the tables lack or have too much of, compared with the records."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, TableRow.metadata))


def write(connection: Connection, what: str) -> Path:
    """Write the next numbered migration."""
    number = f"{1 + sum(1 for _ in (MIGRATIONS / 'versions').glob('0*.py')):04d}"
    script = command.revision(
        configuration(connection), message=what, autogenerate=True, rev_id=number
    )
    return Path(script.path)  # type: ignore[union-attr]


def main(action: str, *words: str) -> int:
    """Run the action; the exit status."""
    with migrated() as engine, engine.connect() as connection:
        if action == "write":
            sys.stdout.write(f"{write(connection, ' '.join(words))}\n")
            return 0
        changes = differences(connection)
    for difference in changes:
        sys.stderr.write(f"tables and migrations differ: {difference}\n")
    return 1 if changes else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
