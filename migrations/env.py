"""Runs migrations on a connection handed over by the caller, one process at a time."""

from alembic import context
from sqlalchemy import text

from service.core.tables import TableRow
from service.migrate import MIGRATION_LOCK


def include_object(_object, name, kind, _reflected, _compare_to):
    """Leave alembic's own table out of comparisons."""
    return not (kind == "table" and name == "alembic_version")


connection = context.config.attributes["connection"]
connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
context.configure(
    connection=connection,
    target_metadata=TableRow.metadata,
    include_object=include_object,
    compare_type=True,
)
context.run_migrations()
