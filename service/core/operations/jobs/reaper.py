"""What the scheduler does to jobs: takes them from silent workers, and says which to ring for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from service.core.operations.jobs.jobs import end
from service.core.operations.jobs.lifecycle import EXPIRED, WORKER_LOST, claimable, requeue
from service.core.tables import JobRecord, JobState

REAPED_AT_ONCE = 200


@dataclass(frozen=True)
class Reaped:
    """Ids of the jobs a sweep acted on."""

    requeued: tuple[str, ...]
    ended: tuple[str, ...]


def reap(session: Session) -> Reaped:
    """Take running jobs from silent workers, and end those that took too long.

    Rows that somebody else has locked are left for the next sweep.
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
    for job, late in session.execute(lost).all():
        _take_away(session, job, late=late)
        (requeued if job.state == JobState.QUEUED else ended).append(job.id)
    return Reaped(tuple(requeued), tuple(ended))


def _take_away(session: Session, job: JobRecord, *, late: Any) -> None:
    """End or requeue one running job whose lease or time is over."""
    if job.cancel_requested_at is not None:
        end(session, job, JobState.CANCELLED)
    elif late:
        end(session, job, JobState.FAILED, error=EXPIRED)
    elif job.attempts < job.max_attempts:
        # No further delay: running into the lease's end was delay enough.
        requeue(session, job, WORKER_LOST, delay_seconds=0.0)
    else:
        end(session, job, JobState.FAILED, error=WORKER_LOST)


def seconds_until_due(session: Session) -> float | None:
    """How long until a lease or time runs out, or a job put back becomes claimable; None: never."""
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
    """A claimable job to ring for; ``forgotten`` when a bell has rung long ago."""

    id: str
    queue: str
    forgotten: bool


def to_announce(
    session: Session, *, forgotten_seconds: float, limit: int = 1000
) -> Sequence[Waiting]:
    """Claimable jobs for which no bell has rung, or none for ``forgotten_seconds``."""
    silence = func.clock_timestamp() - timedelta(seconds=forgotten_seconds)
    rung = JobRecord.announced_at
    found = (
        claimable()
        .where(or_(rung.is_(None), rung < silence))
        .with_only_columns(JobRecord.id, JobRecord.queue, rung.is_not(None))
        .order_by(JobRecord.priority.desc(), JobRecord.id)
        .limit(limit)
    )
    return [Waiting(*row) for row in session.execute(found)]


def mark_announced(session: Session, ids: Sequence[str]) -> None:
    """Note that the bell is being rung for these jobs."""
    _mark(session, ids, func.clock_timestamp())


def mark_unannounced(session: Session, ids: Sequence[str]) -> None:
    """Note that the bell could not be rung for these jobs after all."""
    _mark(session, ids, None)


def _mark(session: Session, ids: Sequence[str], moment: Any) -> None:
    marked = update(JobRecord).where(JobRecord.id.in_(ids), JobRecord.state == JobState.QUEUED)
    session.execute(
        marked.values(announced_at=moment).execution_options(synchronize_session=False)
    )
