"""Submitting jobs: checked against the method's card, shared with equal active ones."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ARRAY, Text, any_, cast, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from service.core.catalog import Audience, MethodSpec, method_named
from service.core.catalog.training import TrainingDevice
from service.core.errors import (
    ConflictError,
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
)
from service.core.ids import IdKind, new_id
from service.core.operations.jobs.events import begin_events
from service.core.operations.trainings.checks import require_fit
from service.core.tables import JobDependencyRecord, JobRecord, JobState

ACTIVE_STATES = (JobState.QUEUED, JobState.RUNNING)
_TRIES = 10


@dataclass(frozen=True)
class JobOrder:
    """What tells one job of a batch from the others; the fields are those of ``submit``."""

    inputs: Mapping[str, Any]
    params: Mapping[str, Any] = field(default_factory=dict)
    cache_key: str | None = None
    depends_on: Sequence[str] = ()


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
        queue: ``cpu`` or ``gpu``; None is ``gpu`` for parameters that ask for CUDA, else ``cpu``.
        audience: INTERNAL lets an operation submit the methods that clients cannot.

    Raises:
        NotFoundError: Unknown method, or one that this audience cannot submit.
        InvalidRequestError: Inputs or parameters do not fit the card.
    """
    (job_id,) = submit_many(
        session,
        project=project,
        method=method,
        orders=[JobOrder(inputs, params or {}, cache_key, depends_on)],
        priority=priority,
        queue=queue,
        trace_id=trace_id,
        max_attempts=max_attempts,
        audience=audience,
    )
    return session.get_one(JobRecord, job_id, populate_existing=True)


def submit_many(
    session: Session,
    *,
    project: str,
    method: str,
    orders: Sequence[JobOrder],
    priority: int = 0,
    queue: str | None = None,
    trace_id: str | None = None,
    max_attempts: int = 3,
    audience: Audience = Audience.PUBLIC,
) -> list[str]:
    """Ids of the jobs, one per order; the number of statements does not grow with the orders.

    Arguments and errors are those of ``submit``. Orders with one ``cache_key`` share one job.
    """
    spec = _spec_for(method, audience)
    alike = {
        "project": project,
        "method": spec.name,
        "method_version": spec.version,
        "priority": priority,
        "trace_id": trace_id,
        "max_attempts": max_attempts,
        "progress": {},
        "events": 1,
    }
    own = [_own_values(spec, order, queue) for order in orders]
    for one in own:
        require_fit(
            session, project=project, method=method, inputs=one["inputs"], params=one["params"]
        )
    rows = [alike | one for one in own]
    placed, created = _inserted_or_shared(session, project, rows)
    waits = {
        row["id"]: order.depends_on
        for row, order in zip(rows, orders, strict=True)
        if row["id"] in created
    }
    _depend(session, project, waits)
    begin_events(session, sorted(created), data={"method": spec.name})
    return placed


def _own_values(spec: MethodSpec, order: JobOrder, queue: str | None) -> dict[str, Any]:
    """The columns of a job in which it differs from others of its batch."""
    params = _checked(spec.params, order.params, "params")
    asked = "gpu" if params.get("device") == TrainingDevice.CUDA else "cpu"
    return {
        "id": new_id(IdKind.JOB),
        "inputs": _checked(spec.inputs, order.inputs, "inputs"),
        "params": params,
        "queue": queue or asked,
        "cache_key": order.cache_key,
    }


def _spec_for(method: str, audience: Audience) -> MethodSpec:
    """The method's card, if this audience may submit it; internal methods look unknown."""
    spec = method_named(method)
    if spec.audience is Audience.INTERNAL and audience is Audience.PUBLIC:
        raise NotFoundError(
            f"no method that can be submitted is called {method!r}",
            code="unknown_method",
            remedy="this method runs as part of uploads and rankings; see GET /v1/methods",
        )
    return spec


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
            code=f"invalid_{where}",
            remedy="see the method's schema under GET /v1/methods",
            errors=problems,
        ) from error
    return checked


def _inserted_or_shared(
    session: Session, project: str, rows: Sequence[dict[str, Any]]
) -> tuple[list[str], set[str]]:
    """The id of the new or shared job of each row, and which of the ids are new."""
    keys = {row["cache_key"] for row in rows} - {None}
    # In the order of the keys, so that two batches never wait for each other in a circle.
    distinct = {row["cache_key"] or row["id"]: row for row in reversed(rows)}
    missing = dict(sorted(distinct.items()))
    placed: dict[str, str] = {}
    created: set[str] = set()
    for _ in range(_TRIES):
        placed |= _active_with_keys(session, project, keys & missing.keys())
        missing = {key: row for key, row in missing.items() if key not in placed}
        if missing:
            fresh = _inserted(session, list(missing.values()))
            placed |= {key: row["id"] for key, row in missing.items() if row["id"] in fresh}
            created |= fresh
        missing = {key: row for key, row in missing.items() if key not in placed}
        if not missing:
            return [placed[row["cache_key"] or row["id"]] for row in rows], created
    raise ConflictError("the same job kept starting and ending; try again", code="busy")


def _inserted(session: Session, rows: list[dict[str, Any]]) -> set[str]:
    """Ids of the rows that were inserted; those whose cache key is active are left out."""
    statement = (
        upsert(JobRecord)
        .on_conflict_do_nothing(
            index_elements=["project", "cache_key"],
            # Literal, because a prepared statement could not match parameters to the index.
            index_where=text("state IN ('queued', 'running')"),
        )
        .returning(JobRecord.id)
    )
    return set(session.scalars(statement, rows))


def _active_with_keys(session: Session, project: str, keys: Collection[str]) -> dict[str, str]:
    """Ids of the queued or running jobs with these cache keys, by key."""
    if not keys:
        return {}
    found = select(JobRecord.cache_key, JobRecord.id).where(
        JobRecord.project == project,
        JobRecord.cache_key == any_(cast(list(keys), ARRAY(Text))),
        JobRecord.state.in_(ACTIVE_STATES),
    )
    return {str(key): job_id for key, job_id in session.execute(found)}


def _depend(session: Session, project: str, waits: Mapping[str, Sequence[str]]) -> None:
    """Make jobs wait for other jobs of the project. Raises NotFoundError for strangers."""
    wanted = {other for others in waits.values() for other in others}
    if not wanted:
        return
    known = select(JobRecord.id).where(
        JobRecord.project == project, JobRecord.id == any_(cast(list(wanted), ARRAY(Text)))
    )
    missing = wanted - set(session.scalars(known))
    if missing:
        raise NotFoundError(f"no job {min(missing)} to depend on", code="job_not_found")
    rows = [
        {"job_id": job_id, "depends_on": other}
        for job_id, others in waits.items()
        for other in sorted(set(others))
    ]
    session.execute(insert(JobDependencyRecord), rows)
