"""What clients ask of jobs: submit, look, cancel, try again.

Workers use ``job_lifecycle``. Everything here works inside the caller's transaction.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.core.errors import ConflictError, MethodError, NotFoundError
from service.core.operations.jobs.events import announce, append_event, events_after
from service.core.operations.jobs.owners import job_ended_badly, job_queued_again
from service.core.operations.jobs.submission import ACTIVE_STATES, JobOrder, submit, submit_many
from service.core.paging import Page, page_of
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
    "get",
    "page",
    "retry",
    "submit",
    "submit_many",
]


def get(session: Session, *, project: str, job_id: str) -> JobRecord:
    """The job. Raises NotFoundError when the project has none with this id."""
    job = session.get(JobRecord, job_id, populate_existing=True)
    if job is None or job.project != project:
        raise NotFoundError(f"no job {job_id}", code="job_not_found", remedy="see GET /v1/jobs")
    return job


def page(
    session: Session,
    *,
    project: str,
    state: JobState | None = None,
    method: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[JobRecord]:
    """At most ``limit`` jobs, newest first, beginning after the job with id ``after``."""
    found = select(JobRecord).where(JobRecord.project == project)
    if state is not None:
        found = found.where(JobRecord.state == state)
    if method is not None:
        found = found.where(JobRecord.method == method)
    if after is not None:
        found = found.where(JobRecord.id < after)
    rows = session.scalars(found.order_by(JobRecord.id.desc()).limit(limit + 1)).all()
    return page_of(list(rows), limit=limit)


def cancel(session: Session, *, project: str, job_id: str) -> JobRecord:
    """The job, cancelled if it was queued; a running one is asked to stop and will be.

    Cancelling again changes nothing. Raises ConflictError when it has succeeded or failed.
    """
    job = _locked(session, project, job_id)
    if job.state == JobState.QUEUED:
        job.cancel_requested_at = func.clock_timestamp()
        end(session, job, JobState.CANCELLED)
    elif job.state == JobState.RUNNING:
        _ask_to_stop(session, job)
    elif job.state != JobState.CANCELLED:
        raise ConflictError(
            f"the job has already {job.state}",
            code="job_is_final",
            remedy="nothing is left to cancel; see its result or its error",
        )
    session.flush()
    session.refresh(job)
    return job


def _ask_to_stop(session: Session, job: JobRecord) -> None:
    """Leave the wish to cancel in the row of a running job, once."""
    if job.cancel_requested_at is None:
        job.cancel_requested_at = func.clock_timestamp()
        session.flush()
        append_event(session, job.id, type="cancel_requested", data={})


def end(
    session: Session, job: JobRecord, state: JobState, *, error: dict[str, Any] | None = None
) -> None:
    """Make a locked, active job final; whatever waits for it hears of it after the commit."""
    job.state = state
    job.error = error
    job.lease_until = None
    job.finished_at = func.clock_timestamp()
    session.flush()
    append_event(session, job.id, type=state, data={"error": error} if error else {})
    if state is not JobState.SUCCEEDED:
        job_ended_badly(session, job, error or {"code": "cancelled", "detail": "cancelled"})
    wake_dependents(session, job.id)


def wake_dependents(session: Session, job_id: str) -> None:
    """Announce the queued jobs that waited for this one."""
    waiting = (
        select(JobDependencyRecord.job_id)
        .join(JobRecord, JobRecord.id == JobDependencyRecord.job_id)
        .where(JobDependencyRecord.depends_on == job_id, JobRecord.state == JobState.QUEUED)
    )
    for dependent in session.scalars(waiting).all():
        announce(session, dependent)


def retry(session: Session, *, project: str, job_id: str) -> JobRecord:
    """The failed or cancelled job, queued again with fresh attempts; its checkpoint is kept.

    The fence is not reset: a worker that still believes in an old attempt stays locked out.
    Raises ConflictError for a job in any other state, or when an equal one is active.
    """
    job = _locked(session, project, job_id)
    if job.state not in (JobState.FAILED, JobState.CANCELLED):
        raise ConflictError(
            f"only failed or cancelled jobs can be tried again; this one is {job.state}",
            code="job_not_retriable",
            remedy="cancel it first if it is under way; submit a new one if it has succeeded",
        )
    try:
        with session.begin_nested():
            _reset(job)
    except IntegrityError as error:
        raise ConflictError(
            "an equal job is already queued or running",
            code="duplicate_job",
            remedy="wait for that one; GET /v1/jobs lists it",
        ) from error
    job_queued_again(session, job)
    append_event(session, job.id, type="queued", data={"again": True})
    announce(session, job.id)
    session.refresh(job)
    return job


def _reset(job: JobRecord) -> None:
    """Make the row look newly queued, but for its fence, checkpoint and history."""
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
    """The files a job produced, by name."""
    get(session, project=project, job_id=job_id)
    found = select(ArtifactRecord).where(ArtifactRecord.job_id == job_id)
    return session.scalars(found.order_by(ArtifactRecord.name)).all()


def is_final(job: JobRecord) -> bool:
    """Whether nothing more will happen to the job by itself."""
    return job.state in FINAL_STATES


def require_success(job: JobRecord) -> None:
    """Pass on why an ended job did not succeed.

    Raises:
        MethodError: With the code of the job's own error.
    """
    if job.state == JobState.SUCCEEDED:
        return
    error = job.error or {"code": job.state, "detail": f"the job was {job.state}"}
    raise MethodError(
        str(error.get("detail")), code=str(error.get("code")), remedy=error.get("remedy")
    )


def _locked(session: Session, project: str, job_id: str) -> JobRecord:
    """The job's row, locked until the end of the transaction."""
    found = (
        select(JobRecord)
        .where(JobRecord.id == job_id, JobRecord.project == project)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    job = session.scalars(found).one_or_none()
    if job is None:
        raise NotFoundError(f"no job {job_id}", code="job_not_found", remedy="see GET /v1/jobs")
    return job
