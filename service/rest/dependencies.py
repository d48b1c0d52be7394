"""Dependencies of the routes: the zoo, the caller, uploads, paging and ids."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from service.api_state import ApiState
from service.container import Zoo
from service.core.ids import LONGEST_REFERENCE
from service.core.model_references import is_id
from service.core.operations import names, owned_rows
from service.core.operations.access.idempotency import KEY_PATTERN, LONGEST_KEY
from service.core.operations.access.keys import Caller, Scope
from service.core.tables import DatasetRecord, ModelRecord
from service.rest.key_middleware import CALLER_SCOPE_KEY
from service.rest.metrics import Metrics
from service.rest.ranking_cache import RankingCache


@dataclass(frozen=True, kw_only=True)
class AppState(ApiState):
    """State of one REST process."""

    metrics: Metrics
    rankings: RankingCache = field(default_factory=RankingCache)


def app_state_of(request: Request) -> AppState:
    """The state of the app that serves ``request``."""
    app_state: AppState = request.app.state.app_state
    return app_state


async def _app_state(request: Request) -> AppState:
    return app_state_of(request)


async def _zoo(request: Request) -> Zoo:
    return app_state_of(request).zoo


AppStateDep = Annotated[AppState, Depends(_app_state)]
AppZoo = Annotated[Zoo, Depends(_zoo)]

documented_bearer = HTTPBearer(auto_error=False, description="API key: `zoo_…`")


def caller_of(request: Request) -> Caller:
    """The caller of a request, whose key the middleware has checked."""
    caller: Caller = request.scope[CALLER_SCOPE_KEY]
    return caller


@dataclass(frozen=True)
class KeyWithScope:
    """A dependency that returns the caller if its key has at least one of ``scopes``."""

    scopes: tuple[Scope, ...]

    async def __call__(
        self,
        request: Request,
        _documented: Annotated[HTTPAuthorizationCredentials | None, Depends(documented_bearer)],
    ) -> Caller:
        """The caller. Raises ForbiddenError."""
        caller = caller_of(request)
        caller.require(*self.scopes)
        return caller


async def _metrics_reader(request: Request) -> None:
    """Require the scope that the settings demand of a reader of metrics, if they demand one."""
    scope = app_state_of(request).zoo.settings.metrics_scope
    if scope is not None:
        caller_of(request).require(Scope(scope))


MetricsReader = Annotated[None, Depends(_metrics_reader)]
Reader = Annotated[Caller, Depends(KeyWithScope((Scope.READ,)))]
Writer = Annotated[Caller, Depends(KeyWithScope((Scope.WRITE,)))]
Submitter = Annotated[Caller, Depends(KeyWithScope((Scope.JOBS,)))]
AnyKey = Annotated[Caller, Depends(KeyWithScope(tuple(Scope)))]
KeyManager = Annotated[Caller, Depends(KeyWithScope((Scope.ADMIN, Scope.OPERATOR)))]


def _reference(description: str) -> Any:
    """A path parameter that is an id or a name."""
    return Path(
        min_length=1,
        max_length=LONGEST_REFERENCE,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description=description,
    )


async def _model_id(
    request: Request,
    app_state: AppStateDep,
    model_id: Annotated[str, _reference("Id or name of the model.")],
) -> str:
    """The id of the model in the path. Raises NotFoundError and ConflictError as ``names.id_of``."""
    return await _path_id(request, app_state, ModelRecord, model_id)


async def _dataset_id(
    request: Request,
    app_state: AppStateDep,
    dataset_id: Annotated[str, _reference("Id or name of the dataset.")],
) -> str:
    """The id of the dataset in the path. Raises NotFoundError and ConflictError as ``names.id_of``."""
    return await _path_id(request, app_state, DatasetRecord, dataset_id)


async def _path_id(
    request: Request, app_state: AppState, kind: names.Named, reference: str
) -> str:
    """The id that a path means; the audit log names it, too."""
    if is_id(reference):
        return reference
    project = caller_of(request).project
    row_id = await run_in_threadpool(app_state.id_of, kind, project=project, reference=reference)
    request.scope["path_params"][f"{owned_rows.KINDS[kind].noun}_id"] = row_id
    return row_id


Id = Annotated[
    str, Path(pattern=r"^[a-z]{3}_[0-9A-Za-z_]{1,60}$", description="Id of the resource.")
]
ModelId = Annotated[str, Depends(_model_id)]
DatasetId = Annotated[str, Depends(_dataset_id)]
Name = Annotated[str, _reference("The whole name.")]
Position = Annotated[int, Path(ge=0, lt=2**31, description="Position in the dataset, from 0.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=LONGEST_KEY,
        pattern=KEY_PATTERN,
        description="Unique key of the request; a repeated request with the same key runs only once.",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="ETag of the version that the change is based on."),
]
IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match", description="ETag of the version you have; 304 if it is current."
    ),
]
Prefer = Annotated[
    str | None, Header(description="`wait=10` responds when the work is done, or after 10 s.")
]


@dataclass(frozen=True)
class Submission:
    """A POST that may submit a job: who sends it, under which key, and how long it waits."""

    app_state: AppState
    caller: Caller
    key: str | None
    prefer: str | None


async def _submission(
    app_state: AppStateDep, caller: Submitter, key: IdempotencyKey = None, prefer: Prefer = None
) -> Submission:
    return Submission(app_state, caller, key, prefer)


SubmissionDep = Annotated[Submission, Depends(_submission)]
