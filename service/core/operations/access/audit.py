"""The rows of the audit log: written once, read in order, deleted only when they are old enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Cast,
    DateTime,
    Select,
    cast,
    func,
    insert,
    literal,
    select,
    tuple_,
)
from sqlalchemy.orm import Session

from service.core.paging import Page, page_of
from service.core.tables import AuditApi, AuditRecord


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    """One call; the fields are those of ``AuditRecord``."""

    api: AuditApi
    action: str
    project: str | None = None
    key_id: str | None = None
    address: str | None = None
    ids: tuple[str, ...] = ()
    code: str | None = None
    trace_id: str | None = None
    count: int = 1


@dataclass(frozen=True)
class AuditFilter:
    """Which rows to read; ``project`` None reads those of all projects and of none."""

    project: str | None
    since: datetime | None = None
    until: datetime | None = None


def write(session: Session, events: Sequence[AuditEvent], *, ages: Sequence[float] = ()) -> None:
    """Add a row for each event, which happened ``ages`` seconds ago; without ages, now."""
    now = func.clock_timestamp()
    rows = [
        {**_columns(event), "at": now - timedelta(seconds=age)}
        for event, age in zip(events, ages or [0.0] * len(events), strict=True)
    ]
    session.execute(insert(AuditRecord).values(rows))


def write_if_changed(session: Session, event: AuditEvent) -> bool:
    """Add the event's row if this transaction has changed anything; whether it has."""
    session.flush()
    typed = {name: _typed(name, value) for name, value in _columns(event).items()}
    changed = func.pg_current_xact_id_if_assigned().is_not(None)
    statement = insert(AuditRecord).from_select(
        list(typed), select(*typed.values()).where(changed), include_defaults=False
    )
    return session.execute(statement.returning(AuditRecord.seq)).first() is not None


def _typed(name: str, value: object) -> Cast[Any]:
    """A value that the database takes for one of the column's type, also if it is null."""
    column = getattr(AuditRecord, name).type
    return cast(literal(value, column), column)


def _columns(event: AuditEvent) -> dict[str, object]:
    return {
        "project": event.project,
        "key_id": event.key_id,
        "api": event.api.value,
        "address": event.address,
        "action": event.action,
        "ids": list(event.ids),
        "code": event.code,
        "trace_id": event.trace_id,
        "count": event.count,
    }


def page(
    session: Session, *, where: AuditFilter, after: str | None, limit: int
) -> Page[AuditRecord]:
    """Rows, oldest first, starting after the position that an earlier page named."""
    query = _matching(where)
    if after is not None:
        at, _, seq = after.partition("|")
        start = tuple_(cast(literal(at), DateTime(timezone=True)), literal(int(seq)))
        query = query.where(tuple_(AuditRecord.at, AuditRecord.seq) > start)
    query = query.order_by(AuditRecord.at, AuditRecord.seq).limit(limit + 1)
    rows = list(session.scalars(query))
    return page_of(rows, limit=limit, key="position")


def _matching(where: AuditFilter) -> Select[AuditRecord]:
    query = select(AuditRecord)
    if where.project is not None:
        query = query.where(AuditRecord.project == where.project)
    if where.since is not None:
        query = query.where(AuditRecord.at >= where.since)
    if where.until is not None:
        query = query.where(AuditRecord.at < where.until)
    return query


def delete_older(session: Session, *, days: int, at_most: int) -> int:
    """Delete up to ``at_most`` rows that are older than ``days``; their number."""
    deleted = func.delete_audit_before(timedelta(days=days), at_most)
    return int(session.scalar(select(deleted)) or 0)
