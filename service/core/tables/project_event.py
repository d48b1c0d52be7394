"""Changes in a project, for everybody who follows it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from service.core.tables.base import TableRow


class Change(StrEnum):
    """What happened to a row."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


class ProjectEventRecord(TableRow):
    """One change of one row; triggers of the other tables write it, so no writer can forget it.

    ``transaction`` and ``seq`` order events so that none appears before one that was already read:
    readers stop before the oldest transaction that still runs. ``kind`` is the list of the API that
    shows the row, such as ``jobs``; ``subject_id`` its id there.
    """

    __tablename__ = "project_events"
    __table_args__ = (Index("ix_project_events_project", "project", "transaction", "seq"),)

    transaction: Mapped[int] = mapped_column(
        primary_key=True, server_default=text("pg_current_xact_id()::text::bigint")
    )
    seq: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    project: Mapped[str]
    kind: Mapped[str]
    change: Mapped[str]
    subject_id: Mapped[str]
    state: Mapped[str | None]
