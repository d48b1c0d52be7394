"""What a client asks of a job, in one of two spellings, and the job that comes of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy.orm import Session

from service.core.errors import FieldProblem, InvalidRequestError, ZooError
from service.core.manifest import Strict
from service.core.operations.jobs import jobs
from service.core.tables import JobRecord

# Fields that may stand at the top of a request, and what they are a part of.
_BELONGS: Mapping[str, str] = {
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
    """A job to run: a method with inputs and parameters as its card describes them.

    What trainings have in common may stand beside them instead of inside: ``teachers``,
    ``source_model_id``, ``dataset_id`` and ``eval_dataset_id`` are inputs, ``student``, ``seed``, ``device`` and ``budget`` are parameters. Null
    means not given; a field that is given twice is refused.
    """

    method: Annotated[str, Field(max_length=100, pattern=r"^[a-z_]+$")]
    inputs: dict[str, Any] = Field(default_factory=dict)
    params: dict[str, Any] = Field(default_factory=dict)
    priority: int = Field(0, ge=-100, le=100)
    teachers: tuple[str, ...] | None = None
    source_model_id: str | None = None
    dataset_id: str | None = None
    eval_dataset_id: str | None = None
    student: dict[str, Any] | None = None
    seed: int | None = None
    device: str | None = None
    budget: dict[str, Any] | None = None

    @property
    def beside(self) -> dict[str, Any]:
        """The fields that were given outside of inputs and parameters."""
        told = {name: getattr(self, name) for name in _BELONGS}
        return {name: value for name, value in told.items() if value is not None}


def submit_request(
    session: Session, *, project: str, request: JobRequest, trace_id: str | None = None
) -> JobRecord:
    """The queued job, or the equal one that is active.

    Raises:
        InvalidRequestError: ``repeated_field``, or as ``jobs.submit``; pointers name the fields where
            the request has them.
        NotFoundError, ConflictError: Likewise.
    """
    _require_once(request)
    with _as_written(request):
        return jobs.submit(
            session,
            project=project,
            method=request.method,
            inputs=_whole(request, "inputs"),
            params=_whole(request, "params"),
            priority=request.priority,
            trace_id=trace_id,
        )


def _require_once(request: JobRequest) -> None:
    """Let pass what says everything in one place."""
    twice = [name for name in request.beside if name in getattr(request, _BELONGS[name])]
    if twice:
        raise InvalidRequestError(
            f"{', '.join(twice)}: given twice",
            code="repeated_field",
            remedy="say it at the top or inside inputs and params, not in both",
            errors=[
                FieldProblem(f"/{name}", f"also given as /{_BELONGS[name]}/{name}")
                for name in twice
            ],
        )


def _whole(request: JobRequest, part: str) -> dict[str, Any]:
    """The inputs or the parameters, with what was given beside them."""
    joined = {name: one for name, one in request.beside.items() if _BELONGS[name] == part}
    return {**getattr(request, part), **joined}


@contextmanager
def _as_written(request: JobRequest) -> Iterator[None]:
    """Errors from inside point at the fields of ``request``."""
    try:
        yield
    except ZooError as error:
        error.errors = tuple(
            FieldProblem(_pointer(request, one.pointer), one.reason) for one in error.errors
        )
        raise


def _pointer(request: JobRequest, pointer: str) -> str:
    """``/student/width`` for ``/params/student/width``, if the request says it that way.

    What is missing is pointed at inside only where the request has an inside.
    """
    part, _, place = pointer.removeprefix("/").partition("/")
    name = place.partition("/")[0]
    if _BELONGS.get(name) != part or (name not in request.beside and getattr(request, part)):
        return pointer
    return f"/{place}"
