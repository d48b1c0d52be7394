"""Dependencies of the routes: the zoo, the caller, uploads, paging and ids."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.concurrency import run_in_threadpool

from service.container import Zoo
from service.core.errors import RateLimitedError, UnauthenticatedError
from service.core.operations.access import keys
from service.core.operations.access.key_cache import KeyCache
from service.core.operations.access.keys import ANYBODY, Caller, Scope
from service.core.paging import PageTokens
from service.job_events import EventListener
from service.predict_client import PredictClient
from service.rest.metrics import Metrics
from service.rest.ranking_cache import RankingCache
from service.uploads import UploadService


@dataclass(frozen=True)
class AppState:
    """State of one REST process."""

    zoo: Zoo
    upload_service: UploadService
    tokens: PageTokens
    metrics: Metrics
    listener: EventListener
    predict_client: PredictClient
    rankings: RankingCache = field(default_factory=RankingCache)
    keys: KeyCache = field(default_factory=KeyCache)
    limiter: FixedWindowRateLimiter = field(
        default_factory=lambda: FixedWindowRateLimiter(MemoryStorage())
    )

    @property
    def rate(self) -> RateLimitItem:
        """Number of requests that one key may send per period."""
        return parse(self.zoo.settings.rate_limit)


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
        caller = await run_in_threadpool(app_state.keys.caller, token, _look_up(app_state.zoo))
    if not app_state.limiter.hit(app_state.rate, caller.key_id):
        raise RateLimitedError(f"this key exceeded {app_state.zoo.settings.rate_limit}")
    return caller


def _look_up(zoo: Zoo) -> Callable[[str], Caller]:
    def look_up(token: str) -> Caller:
        with zoo.transaction() as session:
            return keys.caller_with(session, token=token)

    return look_up


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
