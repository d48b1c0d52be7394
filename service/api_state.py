"""What a process of either API holds, and who calls it."""

from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from service.container import Zoo
from service.core.errors import RateLimitedError
from service.core.home_secrets import Purpose, home_secret
from service.core.operations import owned_rows
from service.core.operations.access import keys
from service.core.operations.access.key_cache import KeyCache
from service.core.operations.access.keys import Caller
from service.core.paging import PageTokens
from service.core.tables.base import Owned
from service.job_events import EventListener
from service.predict_client import PredictClient
from service.uploads import UploadService

R = TypeVar("R", bound=Owned)


@dataclass(frozen=True, kw_only=True)
class ApiState:
    """The zoo and the state of one process that serves it."""

    zoo: Zoo
    upload_service: UploadService
    tokens: PageTokens
    listener: EventListener
    predict_client: PredictClient
    keys: KeyCache = field(default_factory=KeyCache)
    limiter: FixedWindowRateLimiter = field(
        default_factory=lambda: FixedWindowRateLimiter(MemoryStorage())
    )

    @classmethod
    def of(cls, zoo: Zoo, **fields: Any) -> Self:
        """The state of a process that serves ``zoo``; ``fields`` are those of a subclass."""
        configured = zoo.settings.page_token_secret
        secret = (
            configured.get_secret_value().encode()
            if configured is not None
            else home_secret(zoo.settings.folder, Purpose.PAGE_TOKENS)
        )
        return cls(
            zoo=zoo,
            upload_service=UploadService(zoo),
            tokens=PageTokens(secret),
            listener=EventListener(zoo),
            predict_client=PredictClient(zoo),
            **fields,
        )

    @property
    def rate(self) -> RateLimitItem:
        """Number of requests that one key may send per period."""
        return parse(self.zoo.settings.rate_limit)

    def look_up(self, token: str) -> Caller:
        """The caller with a key. Raises UnauthenticatedError: the key is unknown."""
        with self.zoo.transaction() as session:
            return keys.caller_with(session, token=token)

    def admitted(self, caller: Caller) -> Caller:
        """The caller, whose request now counts. Raises RateLimitedError: it sent too many."""
        if not self.limiter.hit(self.rate, caller.key_id):
            raise RateLimitedError(f"this key exceeded {self.zoo.settings.rate_limit}")
        return caller

    def row(self, table: type[R], caller: Caller, row_id: str) -> R:
        """A row of the caller's project. Raises NotFoundError: it has no such row."""
        with self.zoo.transaction() as session:
            return owned_rows.get(session, table, project=caller.project, id=row_id)
