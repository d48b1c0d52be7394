"""What clients ask of jobs: submit, look, cancel, try again.

Workers use ``job_lifecycle``. Everything here works inside the caller's transaction.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.core.catalogue import Audience, MethodCard, card_named
from service.core.errors import (
    ConflictError,
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
)
from service.core.ids import IdKind, new_id
from service.core.operations.job_events import announce, append_event, events_after
from service.core.operations.job_owners import job_ended_badly, job_queued_again
from service.core.paging import Page, page_of
from service.core.records import (
    FINAL_STATES,
    ArtifactRecord,
    JobDependencyRecord,
    JobRecord,
    JobState,
)

__all__ = [
    "append_event",
    "artifacts",
    "cancel",
    "events_after",
    "get",
    "page",
    "retry",
    "submit",
]

ACTIVE_STATES = (JobState.QUEUED, JobState.RUNNING)


def submit(
    session: Session,
    *,
    project: str,
    method: str,
    inputs: Mapping[str, Any],
    params: Mapping[str, Any] | None = None,
    cache_key: str | None = None,
    depends_on: Sequence[str] = (),
    priority: int = 0,
    queue: str | None = None,
    trace_id: str | None = None,
    max_attempts: int = 3,
    audience: Audience = Audience.PUBLIC,
) -> JobRecord:
    """The queued job; or the active one with the same ``cache_key``, if there is one.

    Args:
        inputs: As the method's card describes them.
        params: Likewise; what is left out is filled in and stored.
        cache_key: Equal keys promise equal results.
        depends_on: Jobs of the project that must be final before this one is claimed.
        priority: Higher ones are claimed first.
        queue: ``cpu`` or ``gpu``; None is ``cpu``.
        audience: INTERNAL lets an operation submit the methods that clients cannot.

    Raises:
        NotFoundError: Unknown method, or one that this audience cannot submit.
        InvalidRequestError: Inputs or parameters do not fit the card.
    """
    card = _card_for(method, audience)
    values = {
        "id": new_id(IdKind.JOB),
        "project": project,
        "method": card.name,
        "method_version": card.version,
        "inputs": _checked(card.inputs, inputs, "inputs"),
        "params": _checked(card.params, params or {}, "params"),
        "cache_key": cache_key,
        "priority": priority,
        "queue": queue or "cpu",
        "trace_id": trace_id,
        "max_attempts": max_attempts,
        "progress": {},
    }
    job, created = _inserted_or_shared(session, values)
    if created:
        _depend(session, job, depends_on)
        append_event(session, job.id, type="queued", data={"method": card.name})
        announce(session, job.id)
    return job


def _card_for(method: str, audience: Audience) -> MethodCard:
    """The method's card, if this audience may submit it; internal methods look unknown."""
    card = card_named(method)
    if card.audience is Audience.INTERNAL and audience is Audience.PUBLIC:
        raise NotFoundError(
            f"no method that can be submitted is called {method!r}",
            code="unknown_method",
            remedy="this method runs as part of uploads and rankings; see GET /v1/methods",
        )
    return card


def _checked(shape: type[Any], given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """``given`` filled in and in JSON form, or InvalidRequestError with a pointer per problem."""
    try:
        checked: dict[str, Any] = shape.model_validate(given).model_dump(mode="json")
    except ValidationError as error:
        problems = [
            FieldProblem("/" + "/".join([where, *map(str, e["loc"])]), e["msg"])
            for e in error.errors()
        ]
        raise InvalidRequestError(
            f"{where} of the job do not fit the method: {problems[0].reason}",
            code=f"bad_{where}",
            remedy="see the method's schema under GET /v1/methods",
            errors=problems,
        ) from error
    return checked


def _inserted_or_shared(session: Session, values: dict[str, Any]) -> tuple[JobRecord, bool]:
    """The new row and True, or the active row that holds the same cache key and False."""
    statement = (
        upsert(JobRecord)
        .values(**values)
        .on_conflict_do_nothing(
            index_elements=["project", "cache_key"],
            index_where=JobRecord.state.in_(ACTIVE_STATES),
        )
        .returning(JobRecord)
    )
    for _ in range(10):
        created = session.scalars(statement).one_or_none()
        if created is not None:
            return created, True
        shared = _active_with_key(session, values["project"], values["cache_key"])
        if shared is not None:
            return shared, False
    raise ConflictError("the same job kept starting and ending; try again", code="busy")


def _active_with_key(session: Session, project: str, cache_key: str) -> JobRecord | None:
    """The queued or running job with this cache key."""
    found = select(JobRecord).where(
        JobRecord.project == project,
        JobRecord.cache_key == cache_key,
        JobRecord.state.in_(ACTIVE_STATES),
    )
    return session.scalars(found).one_or_none()


def _depend(session: Session, job: JobRecord, depends_on: Sequence[str]) -> None:
    """Make ``job`` wait for other jobs of its project. Raises NotFoundError for strangers."""
    wanted = set(depends_on)
    if not wanted:
        return
    known = select(JobRecord.id).where(JobRecord.project == job.project, JobRecord.id.in_(wanted))
    missing = wanted - set(session.scalars(known))
    if missing:
        raise NotFoundError(f"no job {min(missing)} to depend on", code="job_not_found")
    rows = [{"job_id": job.id, "depends_on": other} for other in sorted(wanted)]
    session.execute(insert(JobDependencyRecord), rows)


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
        raise ConflictError(f"the job has already {job.state}", code="job_is_final")
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
        )
    try:
        with session.begin_nested():
            _reset(job)
    except IntegrityError as error:
        raise ConflictError(
            "an equal job is already queued or running", code="equal_job_active"
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
