"""Dependencies of the routes: the zoo, the caller, uploads, paging and ids."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from service.api_state import ApiState
from service.container import Zoo
from service.core.errors import UnauthenticatedError
from service.core.operations.access.keys import ANYBODY, Caller, Scope
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

_bearer = HTTPBearer(auto_error=False, description="API key: `zoo_…`")


async def _caller(
    app_state: AppStateDep,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    """The caller of the request; a key is looked up at most every few seconds."""
    if not app_state.zoo.settings.auth:
        return ANYBODY
    if bearer is None:
        raise UnauthenticatedError(
            "no API key was sent", remedy="send `Authorization: Bearer zoo_…`"
        )
    token = bearer.credentials
    caller = app_state.keys.cached(token)
    if caller is None:
        caller = await run_in_threadpool(app_state.keys.caller, token, app_state.look_up)
    return app_state.admitted(caller)


def _needs(scope: Scope) -> Callable[[Caller], Coroutine[Any, Any, Caller]]:
    """A dependency that returns the caller if its key has the scope."""

    async def allowed(caller: Annotated[Caller, Depends(_caller)]) -> Caller:
        caller.require(scope)
        return caller

    return allowed


Reader = Annotated[Caller, Depends(_needs(Scope.READ))]
Writer = Annotated[Caller, Depends(_needs(Scope.WRITE))]
Submitter = Annotated[Caller, Depends(_needs(Scope.JOBS))]
Administrator = Annotated[Caller, Depends(_needs(Scope.ADMIN))]

Id = Annotated[
    str, Path(pattern=r"^[a-z]{3}_[0-9A-Za-z_]{1,60}$", description="Id of the resource.")
]
Position = Annotated[int, Path(ge=0, lt=2**31, description="Position in the dataset, from 0.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x20-\x7e]+$",
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
