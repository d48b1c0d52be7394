"""Everything that a gRPC process holds, and what a servicer knows about a call."""

from dataclasses import dataclass, field

import grpc
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from service.container import Zoo
from service.core.errors import RateLimitedError, UnauthenticatedError
from service.core.home_secrets import Purpose, home_secret
from service.core.operations.access import keys
from service.core.operations.access.key_cache import KeyCache
from service.core.operations.access.keys import ANYBODY, Caller
from service.core.paging import PageTokens
from service.job_events import EventListener
from service.predict_client import PredictClient
from service.uploads import UploadService

_BEARER = "Bearer "


@dataclass(frozen=True)
class RpcState:
    """The zoo and the state of this process."""

    zoo: Zoo
    uploads: UploadService
    tokens: PageTokens
    listener: EventListener
    predict_client: PredictClient
    keys: KeyCache = field(default_factory=KeyCache)
    limiter: FixedWindowRateLimiter = field(
        default_factory=lambda: FixedWindowRateLimiter(MemoryStorage())
    )

    def caller(self, authorization: str | None) -> Caller:
        """The caller that sends this ``authorization``.

        Raises:
            UnauthenticatedError: There is no key, or it is unknown.
            RateLimitedError: Too many requests with it.
        """
        if not self.zoo.settings.auth:
            return ANYBODY
        if authorization is None or not authorization.startswith(_BEARER):
            raise UnauthenticatedError(
                "no API key was sent", remedy="send the metadata `authorization: Bearer zoo_…`"
            )
        caller = self.keys.caller(authorization.removeprefix(_BEARER), self._look_up)
        if not self.limiter.hit(parse(self.zoo.settings.rate_limit), caller.key_id):
            raise RateLimitedError(f"more than {self.zoo.settings.rate_limit} with this key")
        return caller

    def _look_up(self, token: str) -> Caller:
        with self.zoo.transaction() as session:
            return keys.caller_with(session, token=token)


def parts_for(zoo: Zoo) -> RpcState:
    """The state of a gRPC process that serves ``zoo``."""
    configured = zoo.settings.page_token_secret
    secret = (
        configured.get_secret_value().encode()
        if configured is not None
        else home_secret(zoo.settings.folder, Purpose.PAGE_TOKENS)
    )
    return RpcState(
        zoo, UploadService(zoo), PageTokens(secret), EventListener(zoo), PredictClient(zoo)
    )


@dataclass(frozen=True)
class RpcCall:
    """A call: the caller, the idempotency key, and gRPC's own context."""

    caller: Caller
    context: grpc.ServicerContext
    idempotency_key: str | None

    @property
    def project(self) -> str:
        """The caller's project."""
        return self.caller.project
