"""What clients do with jobs: submit, list, cancel, retry.

Workers use ``lifecycle``. Everything here runs inside the caller's transaction.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.core.errors import ConflictError, MethodError
from service.core.operations import owned_rows
from service.core.operations.jobs.events import announce, append_event, events_after
from service.core.operations.jobs.observer import observer_of
from service.core.operations.jobs.runs import end_run
from service.core.operations.jobs.submission import ACTIVE_STATES, JobOrder, submit, submit_many
from service.core.operations.quotas.admission import require_time, within
from service.core.operations.quotas.limits import Quota
from service.core.tables import (
    FINAL_STATES,
    ArtifactRecord,
    JobDependencyRecord,
    JobRecord,
    JobState,
)

__all__ = [
    "ACTIVE_STATES",
    "JobOrder",
    "append_event",
    "artifacts",
    "cancel",
    "events_after",
    "retry",
    "submit",
    "submit_many",
]


def cancel(session: Session, *, project: str, job_id: str) -> JobRecord:
    """The job: a queued one is now cancelled, and a running one is going to stop.

    Repeating the call changes nothing. Raises ConflictError if the job succeeded or failed.
    """
    job = owned_rows.get_locked(session, JobRecord, project=project, id=job_id)
    if job.state == JobState.QUEUED:
        job.cancel_requested_at = func.clock_timestamp()
        end(session, job, JobState.CANCELLED)
    elif job.state == JobState.RUNNING:
        _request_cancel(session, job)
    elif job.state != JobState.CANCELLED:
        raise ConflictError(
            f"the job has already {job.state}",
            code="job_is_final",
            remedy="there is nothing to cancel; read its result or its error",
        )
    session.flush()
    session.refresh(job)
    return job


def _request_cancel(session: Session, job: JobRecord) -> None:
    """Record once in the row of a running job that it should stop."""
    if job.cancel_requested_at is None:
        job.cancel_requested_at = func.clock_timestamp()
        session.flush()
        append_event(session, job.id, type="cancel_requested", data={})


def end(
    session: Session, job: JobRecord, state: JobState, *, error: dict[str, Any] | None = None
) -> None:
    """Make a locked, active job final; dependent jobs are announced after the commit."""
    job.state = state
    job.error = error
    job.lease_until = None
    job.finished_at = func.clock_timestamp()
    session.flush()
    end_run(session, job.id)
    append_event(session, job.id, type=state, data={"error": error} if error else {})
    if state is not JobState.SUCCEEDED:
        observer_of(session).failed(
            session, job, error or {"code": "cancelled", "detail": "the job was cancelled"}
        )
    wake_dependents(session, job.id)


def wake_dependents(session: Session, job_id: str) -> None:
    """Announce the queued jobs that depend on this one."""
    waiting = (
        select(JobDependencyRecord.job_id)
        .join(JobRecord, JobRecord.id == JobDependencyRecord.job_id)
        .where(JobDependencyRecord.depends_on == job_id, JobRecord.state == JobState.QUEUED)
    )
    for dependent in session.scalars(waiting).all():
        announce(session, dependent)


def retry(session: Session, *, project: str, job_id: str) -> JobRecord:
    """The failed or cancelled job, queued again with all attempts; it keeps its checkpoint.

    The fence is not reset, so a worker of an old attempt stays locked out. Raises ConflictError for
    a job in any other state, or if an equal job is active.
    """
    require_time(session, project)
    with within(session, project, Quota.QUEUED_JOBS, Quota.MODELS):
        job = _queued_again(session, project, job_id)
    observer_of(session).retried(session, job)
    append_event(session, job.id, type="queued", data={"again": True})
    announce(session, job.id)
    session.refresh(job)
    return job


def _queued_again(session: Session, project: str, job_id: str) -> JobRecord:
    """The job in the state of a new one. Raises ConflictError."""
    job = owned_rows.get_locked(session, JobRecord, project=project, id=job_id)
    if job.state not in (JobState.FAILED, JobState.CANCELLED):
        raise ConflictError(
            f"you can retry only a failed or cancelled job; this one is {job.state}",
            code="job_not_retriable",
            remedy="cancel an active job first; submit a new job if it succeeded",
        )
    try:
        with session.begin_nested():
            _reset(job)
    except IntegrityError as error:
        raise ConflictError(
            "an equal job is already queued or running",
            code="duplicate_job",
            remedy="wait for that job; see GET /v1/jobs",
        ) from error
    return job


def _reset(job: JobRecord) -> None:
    """Reset the row to that of a new job, except for its fence, checkpoint and history."""
    job.state = JobState.QUEUED
    job.attempts = 0
    job.error = None
    job.worker = None
    job.cancel_requested_at = None
    job.announced_at = None
    job.deadline_at = None
    job.started_at = None
    job.finished_at = None
    job.progress = {}
    job.available_at = func.clock_timestamp()


def artifacts(session: Session, *, project: str, job_id: str) -> Sequence[ArtifactRecord]:
    """The artifacts of a job, by name."""
    owned_rows.get(session, JobRecord, project=project, id=job_id)
    query = select(ArtifactRecord).where(ArtifactRecord.job_id == job_id)
    return session.scalars(query.order_by(ArtifactRecord.name)).all()


def is_final(job: JobRecord) -> bool:
    """Whether the job has finished."""
    return job.state in FINAL_STATES


def require_success(job: JobRecord) -> None:
    """Require that a finished job succeeded.

    Raises:
        MethodError: It did not; the code is that of the job's error.
    """
    if job.state == JobState.SUCCEEDED:
        return
    error = job.error or {"code": job.state, "detail": f"the job was {job.state}"}
    raise MethodError(
        str(error.get("detail")), code=str(error.get("code")), remedy=error.get("remedy")
    )
