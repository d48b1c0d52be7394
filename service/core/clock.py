"""The only source of wall-clock time outside the database."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, in UTC. Leases and orderings use the database's clock instead."""
    return datetime.now(tz=UTC)
