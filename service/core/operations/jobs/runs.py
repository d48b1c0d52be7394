"""The runs of jobs: one per attempt, from its claim to its end, whatever the end was."""

from sqlalchemy import func, insert, update
from sqlalchemy.orm import Session

from service.core.tables import JobRecord, JobRunRecord


def begin_run(session: Session, job: JobRecord) -> None:
    """Note that a claimed job runs from now on."""
    session.execute(
        insert(JobRunRecord).values(job_id=job.id, fence=job.fence, project=job.project)
    )


def end_run(session: Session, job_id: str) -> None:
    """Note that a job no longer runs; nothing changes for one that did not."""
    ended = (
        update(JobRunRecord)
        .where(JobRunRecord.job_id == job_id, JobRunRecord.ended_at.is_(None))
        .values(ended_at=func.clock_timestamp())
    )
    session.execute(ended.execution_options(synchronize_session=False))
