"""Job submission: validated against the method's spec, shared with an equal active job."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
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
from service.core.operations import names, owned_rows
from service.core.operations.dataset_kinds import require_kinds
from service.core.operations.id_references import IdReference, id_references
from service.core.operations.jobs.events import begin_events
from service.core.operations.measurement_checks import require_measurable
from service.core.operations.new_names import require_model_name
from service.core.operations.quotas.admission import require_time, within
from service.core.operations.quotas.limits import Quota
from service.core.operations.trainings.cascade_checks import require_valid_cascade
from service.core.operations.trainings.checks import require_valid_training
from service.core.operations.trainings.clip_checks import require_valid_clips
from service.core.operations.trainings.few_shot_checks import require_valid_adaptation
from service.core.operations.trainings.style_checks import require_valid_baking
from service.core.tables import JobDependencyRecord, JobRecord, JobState
from service.core.tracing import current_span_id
from service.core.validation_reasons import reason_of, without_consequences

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
        audience: INTERNAL lets an operation submit the methods that clients cannot, and
            measurements of networks that do not exist yet.

    Raises:
        NotFoundError: The method is unknown, or this audience cannot submit it.
        InvalidRequestError: Inputs or parameters do not fit the spec, or name what the project does
            not have: ``unknown_model`` and the like, with a pointer to each id.
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
    return owned_rows.get(session, JobRecord, project=project, id=job_id)


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

    Arguments and errors are those of ``submit``; a project that would exceed a quota gets those of
    ``within`` and ``require_time``. Orders with the same ``cache_key`` share a job.
    """
    spec = _spec_for(method, audience)
    shared = {
        "project": project,
        "method": spec.name,
        "method_version": spec.version,
        "priority": priority,
        "trace_id": trace_id,
        "parent_span_id": None if trace_id is None else current_span_id(),
        "max_attempts": max_attempts,
        "progress": {},
        "events": 1,
    }
    validated = [_Validated.of(spec, order).with_ids(session, project=project) for order in orders]
    references = list(chain.from_iterable(job.references() for job in validated))
    owned_rows.require_references(session, project=project, references=references)
    require_kinds(session, project=project, references=references, allowed=spec.dataset_kinds)
    for job in validated:
        require_valid_training(
            session, project=project, method=method, inputs=job.inputs, params=job.params
        )
        require_valid_clips(session, project=project, inputs=job.inputs, params=job.params)
        require_valid_cascade(session, project=project, inputs=job.inputs, params=job.params)
        require_valid_adaptation(session, project=project, inputs=job.inputs, params=job.params)
        require_valid_baking(session, project=project, inputs=job.inputs, params=job.params)
        if audience is Audience.PUBLIC:
            require_measurable(session, project=project, inputs=job.inputs, params=job.params)
    rows = [shared | job.columns(queue) for job in validated]
    require_time(session, project)
    with within(session, project, Quota.QUEUED_JOBS, Quota.MODELS):
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
        _require_name_of_result(params)
        return cls(_fitted(spec.inputs, order.inputs, "inputs"), params, order.cache_key)

    def with_ids(self, session: Session, *, project: str) -> Self:
        """The same with an id for each name."""
        inputs = names.with_ids(session, self.inputs, project=project, pointer="/inputs")
        params = names.with_ids(session, self.params, project=project, pointer="/params")
        return replace(self, inputs=inputs, params=params)

    def references(self) -> Iterator[IdReference]:
        """Every id in the inputs and the parameters."""
        yield from id_references(self.inputs, "/inputs")
        yield from id_references(self.params, "/params")

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


def _require_name_of_result(params: Params) -> None:
    """Raises InvalidRequestError: ``invalid_name``: no new model may be called so."""
    name = getattr(params, "name", None)
    if name is not None:
        require_model_name(name, pointer="/params/name")


def _fitted(shape: type[Shape], values: Mapping[str, Any], part: str) -> Shape:
    """The values of one part of a job with their defaults filled in."""
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        problems = [
            FieldProblem("/" + "/".join([part, *map(str, e["loc"])]), reason_of(e))
            for e in without_consequences(
                error.errors(include_url=False, include_context=False, include_input=False)
            )
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
    missing = owned_rows.missing(session, JobRecord, project=project, ids=wanted)
    if missing:
        raise owned_rows.not_found(JobRecord, min(missing))
    rows = [
        {"job_id": job_id, "depends_on": other}
        for job_id, others in waits.items()
        for other in sorted(set(others))
    ]
    session.execute(insert(JobDependencyRecord), rows)
