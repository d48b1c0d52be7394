"""Submitting a job: checked against the method's card, shared with an equal active one."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from sqlalchemy import insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from service.core.catalogue import Audience, MethodCard, card_named
from service.core.errors import (
    ConflictError,
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
)
from service.core.ids import IdKind, new_id
from service.core.operations.job_events import announce, append_event
from service.core.records import JobDependencyRecord, JobRecord, JobState

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
            # Literal, because a prepared statement could not match parameters to the index.
            index_where=text("state IN ('queued', 'running')"),
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
