"""The audit log: who did what to which id, from where. Rows are only added; a trigger refuses the rest."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Identity, Index, Integer, Text, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from service.core.tables.base import TableRow


class AuditApi(StrEnum):
    """Where a call came in; ``local`` is a command on the zoo's own machine."""

    REST = "rest"
    GRPC = "grpc"
    LOCAL = "local"


class AuditRecord(TableRow):
    """One call, or ``count`` equal refusals within a minute.

    ``project`` and ``key_id`` are None for a call without a valid key, ``code`` for a call that
    succeeded. ``ids`` are those in the path and of what the call created.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_project_at", "project", "at", "seq"),
        Index("ix_audit_at", "at", "seq"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    project: Mapped[str | None]
    key_id: Mapped[str | None]
    api: Mapped[str]
    address: Mapped[str | None]
    action: Mapped[str]
    ids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    code: Mapped[str | None]
    trace_id: Mapped[str | None]
    count: Mapped[int] = mapped_column(Integer, server_default="1")

    @property
    def position(self) -> str:
        """Where the row stands in the log, for the page that starts after it."""
        return f"{self.at.isoformat()}|{self.seq}"
