"""Upgrades the tables of a database to the current revision under a lock."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from service.core.errors import ConflictError
from service.database import unlimited

MIGRATIONS = Path(__file__).parents[1] / "migrations"
# Held exclusively by a migration, and shared by a backup.
MIGRATION_LOCK = 7_066_013


def configuration(connection: Connection) -> Config:
    """Alembic's configuration for one open connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def migrate(engine: Engine, *, revision: str = "head") -> None:
    """Upgrade the database to ``revision``; a second process waits and then has nothing to do.

    Raises:
        ConflictError: ``schema_newer``, a later release has upgraded the tables.
    """
    with engine.begin() as connection, unlimited(connection):
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and not knows_revision(current):
            raise ConflictError(
                f"the tables have the schema {current} of a later release",
                code="schema_newer",
                remedy="start that release or a later one; to return to this one, restore a backup "
                "that it wrote",
            )
        command.upgrade(configuration(connection), revision)


def knows_revision(revision: str) -> bool:
    """Whether this release can migrate from a revision of the tables."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    revisions = ScriptDirectory.from_config(config).walk_revisions()
    return any(script.revision == revision for script in revisions)
