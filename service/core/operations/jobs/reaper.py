"""What the scheduler does with jobs: reaps those of lost workers, and lists those to announce."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from service.core.operations.jobs.jobs import end
from service.core.operations.jobs.lifecycle import (
    WORKER_LOST,
    claimable,
    requeue,
    time_limit_exceeded,
)
from service.core.tables import JobRecord, JobState

REAPED_AT_ONCE = 200


@dataclass(frozen=True)
class Reaped:
    """Ids of the jobs that a sweep changed."""

    requeued: tuple[str, ...]
    ended: tuple[str, ...]


def reap(session: Session) -> Reaped:
    """Requeue running jobs of lost workers, and end jobs that exceeded their time limit.

    The next sweep handles rows that another transaction has locked.
    """
    now = func.clock_timestamp()
    lost = (
        select(JobRecord)
        .where(
            JobRecord.state == JobState.RUNNING,
            or_(JobRecord.lease_until < now, JobRecord.deadline_at < now),
        )
        .add_columns(JobRecord.deadline_at < now)
        .limit(REAPED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    requeued: list[str] = []
    ended: list[str] = []
    for job, expired in session.execute(lost).all():
        _reap(session, job, expired=expired)
        (requeued if job.state == JobState.QUEUED else ended).append(job.id)
    return Reaped(tuple(requeued), tuple(ended))


def _reap(session: Session, job: JobRecord, *, expired: Any) -> None:
    """End or requeue a running job whose lease or time limit has expired."""
    if job.cancel_requested_at is not None:
        end(session, job, JobState.CANCELLED)
    elif expired:
        end(session, job, JobState.FAILED, error=time_limit_exceeded())
    elif job.attempts < job.max_attempts:
        # Without a delay: waiting for the lease to expire was enough.
        requeue(session, job, WORKER_LOST, delay_seconds=0.0)
    else:
        end(session, job, JobState.FAILED, error=WORKER_LOST)


def seconds_until_due(session: Session) -> float | None:
    """Seconds until a lease or time limit expires or a queued job becomes claimable; None: never."""
    now = func.clock_timestamp()
    running = select(func.min(func.least(JobRecord.lease_until, JobRecord.deadline_at))).where(
        JobRecord.state == JobState.RUNNING
    )
    queued = select(func.min(JobRecord.available_at)).where(
        JobRecord.state == JobState.QUEUED, JobRecord.available_at > now
    )
    due = func.least(running.scalar_subquery(), queued.scalar_subquery())
    seconds = session.scalar(select(func.extract("epoch", due - now)))
    return None if seconds is None else float(seconds)


@dataclass(frozen=True)
class Waiting:
    """A claimable job to announce; ``forgotten`` if it was announced long ago."""

    id: str
    queue: str
    forgotten: bool


def to_announce(
    session: Session, *, forgotten_seconds: float, limit: int = 1000
) -> Sequence[Waiting]:
    """Claimable jobs that were never announced, or not within ``forgotten_seconds``."""
    oldest = func.clock_timestamp() - timedelta(seconds=forgotten_seconds)
    announced = JobRecord.announced_at
    query = (
        claimable()
        .where(or_(announced.is_(None), announced < oldest))
        .with_only_columns(JobRecord.id, JobRecord.queue, announced.is_not(None))
        .order_by(JobRecord.priority.desc(), JobRecord.id)
        .limit(limit)
    )
    return [Waiting(*row) for row in session.execute(query)]


def mark_announced(session: Session, ids: Sequence[str]) -> None:
    """Record that these jobs are being announced."""
    _mark(session, ids, func.clock_timestamp())


def mark_unannounced(session: Session, ids: Sequence[str]) -> None:
    """Record that announcing these jobs failed."""
    _mark(session, ids, None)


def _mark(session: Session, ids: Sequence[str], moment: Any) -> None:
    marked = update(JobRecord).where(JobRecord.id.in_(ids), JobRecord.state == JobState.QUEUED)
    session.execute(
        marked.values(announced_at=moment).execution_options(synchronize_session=False)
    )
