"""What a process of either API holds."""

from dataclasses import dataclass
from typing import Any, Self, TypeVar

from service.audit_trail import AuditTrail
from service.authenticator import Authenticator
from service.container import Zoo
from service.core.home_secrets import Purpose, home_secret
from service.core.operations import names, owned_rows
from service.core.operations.access.keys import Caller
from service.core.paging import PageTokens
from service.core.tables.base import Owned
from service.job_events import EventListener
from service.key_watch import KeyWatch
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
    audit: AuditTrail
    authenticator: Authenticator
    key_watch: KeyWatch

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
            audit=AuditTrail(zoo),
            authenticator=Authenticator(zoo),
            key_watch=KeyWatch(zoo),
            **fields,
        )

    def id_of(self, kind: names.Named, *, project: str, reference: str) -> str:
        """The id that an id or a name means. Raises NotFoundError and ConflictError."""
        with self.zoo.transaction() as session:
            return names.id_of(session, kind, project=project, reference=reference)

    def row(self, table: type[R], caller: Caller, row_id: str) -> R:
        """A row of the caller's project. Raises NotFoundError: it has no such row."""
        with self.zoo.transaction() as session:
            return owned_rows.get(session, table, project=caller.project, id=row_id)
