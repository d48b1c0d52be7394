"""Changes of a project in an order in which none appears late, and their removal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from sqlalchemy import BigInteger, Text, cast, delete, func, select, tuple_
from sqlalchemy.orm import Session

from service.core.errors import ConflictError
from service.core.tables import ProjectEventRecord

PROJECT_EVENTS_CHANNEL = "zoo_project_events"
RETENTION = timedelta(hours=1)
POSITION_PATTERN = r"^\d{1,18}-\d{1,18}$"
_EVENTS_AT_ONCE = 500
_ORDER = (ProjectEventRecord.transaction, ProjectEventRecord.seq)


@dataclass(frozen=True, order=True)
class Position:
    """A place between events; later ones are larger."""

    transaction: int
    seq: int

    def __str__(self) -> str:
        return f"{self.transaction}-{self.seq}"

    @classmethod
    def at(cls, text: str) -> Self:
        """The position that a text of ``POSITION_PATTERN`` names."""
        transaction, _, seq = text.partition("-")
        return cls(int(transaction), int(seq))

    @classmethod
    def of(cls, event: ProjectEventRecord) -> Self:
        """The position after an event."""
        return cls(event.transaction, event.seq)


def _snapshot(bound: Any) -> Any:
    """A bound of the numbers of running transactions: no smaller one, or no larger one, runs."""
    return cast(cast(bound(func.pg_current_snapshot()), Text), BigInteger)


def now(session: Session) -> Position:
    """The position after which come the events of transactions that still run, or will."""
    return Position(session.execute(select(_snapshot(func.pg_snapshot_xmin))).scalar_one(), 0)


def require_stored(session: Session, position: Position) -> None:
    """Require that every event after a position is still stored.

    Raises:
        ConflictError: ``events_expired``; events were deleted, or the database is another one.
    """
    oldest = session.execute(select(*_ORDER).order_by(*_ORDER).limit(1)).first()
    next_transaction = session.execute(select(_snapshot(func.pg_snapshot_xmax))).scalar_one()
    # Before the very first event, nothing was deleted.
    deleted = oldest is not None and oldest.seq > 1 and position < Position(*oldest)
    if deleted or position.transaction > next_transaction:
        raise ConflictError(
            f"events after {position} are no longer stored",
            code="events_expired",
            remedy="load what you show, then follow events without a position to resume from",
        )


def events_after(
    session: Session, *, project: str, position: Position
) -> Sequence[ProjectEventRecord]:
    """Events of a project after a position, oldest first, before any transaction that still runs."""
    query = (
        select(ProjectEventRecord)
        .where(
            ProjectEventRecord.project == project,
            tuple_(*_ORDER) > (position.transaction, position.seq),
            ProjectEventRecord.transaction < _snapshot(func.pg_snapshot_xmin),
        )
        .order_by(*_ORDER)
        .limit(_EVENTS_AT_ONCE)
    )
    return session.scalars(query).all()


def remove_expired(session: Session) -> None:
    """Delete old events, except the last of them, which shows up to where events are deleted."""
    old = ProjectEventRecord.at < func.clock_timestamp() - RETENTION
    last = select(*_ORDER).where(old).order_by(*(column.desc() for column in _ORDER)).limit(1)
    newest = session.execute(last).first()
    if newest is not None:
        session.execute(delete(ProjectEventRecord).where(tuple_(*_ORDER) < tuple(newest)))
