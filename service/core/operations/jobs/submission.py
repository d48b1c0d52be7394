"""Job submission: validated against the method's spec, shared with an equal active job."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import ARRAY, Text, any_, cast, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from service.core.catalog import Audience, JobInputs, MethodSpec, Params, method_named
from service.core.catalog.training import TrainingDevice
from service.core.errors import (
    ConflictError,
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
)
from service.core.ids import IdKind, new_id
from service.core.operations import owned_rows
from service.core.operations.jobs.events import begin_events
from service.core.operations.trainings.checks import require_valid_training
from service.core.tables import JobDependencyRecord, JobRecord, JobState

ACTIVE_STATES = (JobState.QUEUED, JobState.RUNNING)
_TRIES = 10
Shape = TypeVar("Shape", bound=BaseModel)


@dataclass(frozen=True)
class JobOrder:
    """One job of a batch; the fields are those of ``submit``."""

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
        inputs: As the method's spec describes them.
        params: As the method's spec describes them; defaults are filled in and stored.
        cache_key: Equal keys promise equal results.
        depends_on: Jobs of the project that must be final before this one is claimed.
        priority: Higher ones are claimed first.
        queue: ``cpu`` or ``gpu``; None is ``gpu`` for parameters that ask for CUDA, else ``cpu``.
        audience: INTERNAL lets an operation submit the methods that clients cannot.

    Raises:
        NotFoundError: The method is unknown, or this audience cannot submit it.
        InvalidRequestError: Inputs or parameters do not fit the spec.
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
    """Ids of the jobs, one per order; the number of statements is constant.

    Arguments and errors are those of ``submit``. Orders with the same ``cache_key`` share a job.
    """
    spec = _spec_for(method, audience)
    shared = {
        "project": project,
        "method": spec.name,
        "method_version": spec.version,
        "priority": priority,
        "trace_id": trace_id,
        "max_attempts": max_attempts,
        "progress": {},
        "events": 1,
    }
    validated = [_Validated.of(spec, order) for order in orders]
    for job in validated:
        require_valid_training(
            session, project=project, method=method, inputs=job.inputs, params=job.params
        )
    rows = [shared | job.columns(queue) for job in validated]
    job_ids, created = _inserted_or_shared(session, project, rows)
    waits = {
        row["id"]: order.depends_on
        for row, order in zip(rows, orders, strict=True)
        if row["id"] in created
    }
    _depend(session, project, waits)
    begin_events(session, sorted(created), data={"method": spec.name})
    return job_ids


@dataclass(frozen=True)
class _Validated:
    """The inputs and parameters of a job that fit its method."""

    inputs: JobInputs
    params: Params
    cache_key: str | None

    @classmethod
    def of(cls, spec: MethodSpec, order: JobOrder) -> Self:
        """An order that fits ``spec``. Raises InvalidRequestError with a pointer per problem."""
        params = _fitted(spec.params, order.params, "params")
        return cls(_fitted(spec.inputs, order.inputs, "inputs"), params, order.cache_key)

    def columns(self, queue: str | None) -> dict[str, Any]:
        """The columns in which the job differs from others of its batch."""
        cuda = getattr(self.params, "device", None) == TrainingDevice.CUDA
        return {
            "id": new_id(IdKind.JOB),
            "inputs": self.inputs.model_dump(mode="json"),
            "params": self.params.model_dump(mode="json"),
            "queue": queue or ("gpu" if cuda else "cpu"),
            "cache_key": self.cache_key,
        }


def _spec_for(method: str, audience: Audience) -> MethodSpec:
    """The method's spec, if this audience may submit it; internal methods look unknown."""
    spec = method_named(method)
    if spec.audience is Audience.INTERNAL and audience is Audience.PUBLIC:
        raise NotFoundError(
            f"clients cannot submit the method {method!r}",
            code="unknown_method",
            remedy="uploads and rankings run it for you; see GET /v1/methods",
        )
    return spec


def _fitted(shape: type[Shape], values: Mapping[str, Any], part: str) -> Shape:
    """The values of one part of a job with their defaults filled in."""
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        problems = [
            FieldProblem("/" + "/".join([part, *map(str, e["loc"])]), e["msg"])
            for e in error.errors()
        ]
        raise InvalidRequestError(
            f"the {part} of the job do not fit the method: {problems[0].reason}",
            code=f"invalid_{part}",
            remedy="see the method's schema under GET /v1/methods",
            errors=problems,
        ) from error


def _inserted_or_shared(
    session: Session, project: str, rows: Sequence[dict[str, Any]]
) -> tuple[list[str], set[str]]:
    """The id of the new or shared job of each row, and which of the ids are new."""
    keys = {row["cache_key"] for row in rows} - {None}
    # Sorted by key, so that two batches cannot deadlock.
    distinct = {row["cache_key"] or row["id"]: row for row in reversed(rows)}
    missing = dict(sorted(distinct.items()))
    job_ids: dict[str, str] = {}
    created: set[str] = set()
    for _ in range(_TRIES):
        job_ids |= _active_with_keys(session, project, keys & missing.keys())
        missing = {key: row for key, row in missing.items() if key not in job_ids}
        if missing:
            fresh = _inserted(session, list(missing.values()))
            job_ids |= {key: row["id"] for key, row in missing.items() if row["id"] in fresh}
            created |= fresh
        missing = {key: row for key, row in missing.items() if key not in job_ids}
        if not missing:
            return [job_ids[row["cache_key"] or row["id"]] for row in rows], created
    raise ConflictError(
        "equal jobs kept starting and ending during this request",
        code="busy",
        remedy="send the request again",
    )


def _inserted(session: Session, rows: list[dict[str, Any]]) -> set[str]:
    """Ids of the inserted rows; a row whose cache key is active is not inserted."""
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
    query = select(JobRecord.cache_key, JobRecord.id).where(
        JobRecord.project == project,
        JobRecord.cache_key == any_(cast(list(keys), ARRAY(Text))),
        JobRecord.state.in_(ACTIVE_STATES),
    )
    return {str(key): job_id for key, job_id in session.execute(query)}


def _depend(session: Session, project: str, waits: Mapping[str, Sequence[str]]) -> None:
    """Make jobs wait for other jobs of the project. Raises NotFoundError for any other id."""
    wanted = {other for others in waits.values() for other in others}
    if not wanted:
        return
    existing = select(JobRecord.id).where(
        JobRecord.project == project, JobRecord.id == any_(cast(list(wanted), ARRAY(Text)))
    )
    missing = wanted - set(session.scalars(existing))
    if missing:
        raise owned_rows.not_found(JobRecord, min(missing))
    rows = [
        {"job_id": job_id, "depends_on": other}
        for job_id, others in waits.items()
        for other in sorted(set(others))
    ]
    session.execute(insert(JobDependencyRecord), rows)
