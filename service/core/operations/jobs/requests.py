"""Job requests in either of two forms, and the jobs that they submit."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy.orm import Session

from service.core.catalog.method_spec import METHOD_NAME
from service.core.errors import FieldProblem, InvalidRequestError, ZooError
from service.core.manifest import Strict
from service.core.operations.jobs import jobs
from service.core.tables import JobRecord

# Fields that a request can have at its top level, and the part to which they belong.
_PARTS: Mapping[str, str] = {
    "teachers": "inputs",
    "source_model_id": "inputs",
    "dataset_id": "inputs",
    "eval_dataset_id": "inputs",
    "student": "params",
    "seed": "params",
    "device": "params",
    "budget": "params",
}


class JobRequest(Strict):
    """A job to run: a method with inputs and parameters as its spec describes them.

    You can set what trainings have in common at the top level instead: ``teachers``,
    ``source_model_id``, ``dataset_id`` and ``eval_dataset_id`` are inputs; ``student``, ``seed``, ``device`` and ``budget`` are parameters. Null
    counts as omitted; setting a field twice is an error.
    """

    method: Annotated[str, Field(max_length=100, pattern=METHOD_NAME)]
    inputs: dict[str, Any] = Field(default_factory=dict)
    params: dict[str, Any] = Field(default_factory=dict)
    priority: int = Field(0, ge=-100, le=100)
    teachers: Annotated[tuple[str, ...], Field(fail_fast=True)] | None = None
    source_model_id: str | None = None
    dataset_id: str | None = None
    eval_dataset_id: str | None = None
    student: dict[str, Any] | None = None
    seed: int | None = None
    device: str | None = None
    budget: dict[str, Any] | None = None

    @property
    def top_level(self) -> dict[str, Any]:
        """The fields set outside of inputs and parameters."""
        values = {name: getattr(self, name) for name in _PARTS}
        return {name: value for name, value in values.items() if value is not None}


def submit_request(
    session: Session, *, project: str, request: JobRequest, trace_id: str | None = None
) -> JobRecord:
    """The queued job, or the equal active job.

    Raises:
        InvalidRequestError: ``repeated_field``, or as ``jobs.submit``; pointers name the fields as
            the request has them.
        NotFoundError, ConflictError: Likewise.
    """
    _require_unique(request)
    with _as_requested(request):
        return jobs.submit(
            session,
            project=project,
            method=request.method,
            inputs=_part(request, "inputs"),
            params=_part(request, "params"),
            priority=request.priority,
            trace_id=trace_id,
        )


def _require_unique(request: JobRequest) -> None:
    """Accept a request that sets every field at most once."""
    twice = [name for name in request.top_level if name in getattr(request, _PARTS[name])]
    if twice:
        raise InvalidRequestError(
            f"the request sets {', '.join(twice)} twice",
            code="repeated_field",
            remedy="set it at the top level or inside inputs and params, not both",
            errors=[
                FieldProblem(f"/{name}", f"also set as /{_PARTS[name]}/{name}") for name in twice
            ],
        )


def _part(request: JobRequest, part: str) -> dict[str, Any]:
    """The inputs or the parameters, with the top-level fields that belong to them."""
    joined = {name: value for name, value in request.top_level.items() if _PARTS[name] == part}
    return {**getattr(request, part), **joined}


@contextmanager
def _as_requested(request: JobRequest) -> Iterator[None]:
    """Errors from inside point at fields of ``request``."""
    try:
        yield
    except ZooError as error:
        error.errors = tuple(
            FieldProblem(_pointer(request, problem.pointer), problem.reason)
            for problem in error.errors
        )
        raise


def _pointer(request: JobRequest, pointer: str) -> str:
    """``/student/width`` for ``/params/student/width``, if the request sets it at the top level.

    A missing field points into a part only if the request has that part.
    """
    part, _, path = pointer.removeprefix("/").partition("/")
    name = path.partition("/")[0]
    if _PARTS.get(name) != part or (name not in request.top_level and getattr(request, part)):
        return pointer
    return f"/{path}"
