"""What routes are given: the zoo, the caller, the reception, page bounds, ids."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Query, Request
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
from service.core.paging import DEFAULT_PAGE, LARGEST_PAGE, PageTokens
from service.job_events import EventListener
from service.predict_client import PredictClient
from service.rest.metrics import Metrics
from service.rest.ranking_cache import RankingCache
from service.uploads import UploadService


@dataclass(frozen=True)
class AppState:
    """Everything one REST process holds."""

    zoo: Zoo
    intake: UploadService
    tokens: PageTokens
    figures: Metrics
    listener: EventListener
    asking: PredictClient
    rankings: RankingCache = field(default_factory=RankingCache)
    keys: KeyCache = field(default_factory=KeyCache)
    limiter: FixedWindowRateLimiter = field(
        default_factory=lambda: FixedWindowRateLimiter(MemoryStorage())
    )

    @property
    def rate(self) -> RateLimitItem:
        """How many requests one key may send."""
        return parse(self.zoo.settings.rate_limit)


def parts_of(request: Request) -> AppState:
    """The parts of the app that serves ``request``."""
    parts: AppState = request.app.state.parts
    return parts


async def _parts(request: Request) -> AppState:
    return parts_of(request)


async def _zoo(request: Request) -> Zoo:
    return parts_of(request).zoo


AppParts = Annotated[AppState, Depends(_parts)]
AppZoo = Annotated[Zoo, Depends(_zoo)]

_bearer = HTTPBearer(auto_error=False, description="An API key: `zoo_…`")


async def _caller(
    parts: AppParts, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """Who sends the request; the database is asked at most every few seconds."""
    if not parts.zoo.settings.auth:
        return ANYBODY
    if bearer is None:
        raise UnauthenticatedError(
            "no API key was sent", remedy="send `Authorization: Bearer zoo_…`"
        )
    token = bearer.credentials
    caller = parts.keys.known(token)
    if caller is None:
        caller = await run_in_threadpool(parts.keys.caller, token, _look_up(parts.zoo))
    if not parts.limiter.hit(parts.rate, caller.key_id):
        raise RateLimitedError(f"more than {parts.zoo.settings.rate_limit} with this key")
    return caller


def _look_up(zoo: Zoo) -> Callable[[str], Caller]:
    def look_up(token: str) -> Caller:
        with zoo.transaction() as session:
            return keys.caller_with(session, token=token)

    return look_up


def _needs(scope: Scope) -> Callable[[Caller], Coroutine[Any, Any, Caller]]:
    """A dependency: the caller, if its key has the scope."""

    async def allowed(caller: Annotated[Caller, Depends(_caller)]) -> Caller:
        caller.require(scope)
        return caller

    return allowed


Reader = Annotated[Caller, Depends(_needs(Scope.READ))]
Writer = Annotated[Caller, Depends(_needs(Scope.WRITE))]
Submitter = Annotated[Caller, Depends(_needs(Scope.JOBS))]
Administrator = Annotated[Caller, Depends(_needs(Scope.ADMIN))]

Id = Annotated[str, Path(pattern=r"^[a-z]{3}_[0-9A-Za-z_]{1,60}$", description="an id of the zoo")]
Position = Annotated[int, Path(ge=0, lt=2**31, description="position in the dataset, from 0")]
PageSize = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="most items to answer")]
PageToken = Annotated[
    str | None, Query(max_length=400, description="`next_page_token` of the answer before")
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x20-\x7e]+$",
        description="send the same key again and the request still happens once",
    ),
]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="ETag the change is based on")
]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", description="ETag already known; 304 if unchanged")
]
Prefer = Annotated[
    str | None, Header(description="`wait=10`: answer when the work is done, or after 10 s")
]
PAGE_SIZE = DEFAULT_PAGE
