"""Events of a job, in order and without gaps, and the notifications that announce them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, Text, cast, func, insert, select, update
from sqlalchemy.orm import Session

from service.core.tables import JobEventRecord, JobRecord

QUEUED_CHANNEL = "zoo_queued"
EVENTS_CHANNEL = "zoo_events"


def append_event(session: Session, job_id: str, *, type: str, data: dict[str, Any]) -> int:  # noqa: A002 - the field's name
    """The sequence number of the new event; the job's row stays locked until the commit.

    Listeners on ``EVENTS_CHANNEL`` receive the job's id when the transaction commits.
    """
    counted = (
        update(JobRecord)
        .where(JobRecord.id == job_id)
        .values(events=JobRecord.events + 1)
        .returning(JobRecord.events)
        .execution_options(synchronize_session=False)
    )
    seq = session.execute(counted).scalar_one()
    session.execute(insert(JobEventRecord).values(job_id=job_id, seq=seq, type=type, data=data))
    session.execute(select(func.pg_notify(EVENTS_CHANNEL, job_id)))
    return seq


def begin_events(session: Session, job_ids: Sequence[str], *, data: dict[str, Any]) -> None:
    """Write the first event of new jobs, whose rows already count it, and announce the jobs."""
    if not job_ids:
        return
    first = {"seq": 1, "type": "queued", "data": data}
    session.execute(insert(JobEventRecord), [{"job_id": job_id, **first} for job_id in job_ids])
    for channel in (EVENTS_CHANNEL, QUEUED_CHANNEL):
        each = func.unnest(cast(list(job_ids), ARRAY(Text)))
        session.execute(select(func.pg_notify(channel, each)))


def announce(session: Session, job_id: str) -> None:
    """Notify the scheduler after this transaction commits that a job may be claimable."""
    session.execute(select(func.pg_notify(QUEUED_CHANNEL, job_id)))


def events_after(
    session: Session, *, job_id: str, seq: int, limit: int = 1000
) -> Sequence[JobEventRecord]:
    """Events of a job with a sequence number above ``seq``, oldest first."""
    query = (
        select(JobEventRecord)
        .where(JobEventRecord.job_id == job_id, JobEventRecord.seq > seq)
        .order_by(JobEventRecord.seq)
        .limit(limit)
    )
    return session.scalars(query).all()
