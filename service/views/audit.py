"""Wire shapes of the audit log."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from service.container import Zoo
from service.core.operations.access import audit
from service.core.operations.access.audit import AuditFilter
from service.core.operations.access.keys import Caller
from service.core.operations.access.operators import is_operator
from service.core.paging import LARGEST_PAGE, PageTokens
from service.core.tables import AuditRecord
from service.views.paging import ListView


class AuditEventView(BaseModel):
    """One call, or `count` equal refusals of one address within a minute.

    `project` and `key_id` are null for a call without a valid key; `code` says why it was refused.
    """

    seq: int
    at: datetime
    project: str | None = None
    key_id: str | None = None
    api: Literal["rest", "grpc", "local"]
    address: str | None = None
    action: str
    ids: list[str]
    outcome: Literal["ok", "refused"]
    code: str | None = None
    trace_id: str | None = None
    count: int

    @classmethod
    def of(cls, record: AuditRecord) -> Self:
        """The view of a row."""
        fields: dict[str, Any] = {
            name: getattr(record, name) for name in cls.model_fields if name != "outcome"
        }
        return cls(outcome="ok" if record.code is None else "refused", **fields)


Since = Annotated[
    AwareDatetime | None, Field(description="Only calls at or after this time, with a time zone.")
]
Until = Annotated[
    AwareDatetime | None, Field(description="Only calls before this time, with a time zone.")
]


class AuditPeriod(BaseModel):
    """The period to export; without limits, everything that is kept."""

    model_config = ConfigDict(frozen=True)

    since: Since = None
    until: Until = None

    def filter_for(self, caller: Caller) -> AuditFilter:
        """The rows that the caller may read: those of its project, or all for an operator."""
        project = None if is_operator(caller) else caller.project
        return AuditFilter(project, self.since, self.until)

    def events(self, zoo: Zoo, caller: Caller) -> Iterator[AuditEventView]:
        """Every row, oldest first, read page by page in transactions of their own."""
        where, after = self.filter_for(caller), None
        while True:
            with zoo.transaction() as session:
                page = audit.page(session, where=where, after=after, limit=LARGEST_PAGE)
            yield from map(AuditEventView.of, page.items)
            after = page.next_after(len(page.items))
            if after is None:
                return


class AuditQuery(AuditPeriod):
    """Which page of the audit log to export, oldest calls first."""

    page_size: int = Field(
        LARGEST_PAGE, ge=1, le=LARGEST_PAGE, description="Maximum number of lines."
    )
    page_token: str | None = Field(
        None, max_length=400, description="Header `Next-Page-Token` of the previous page."
    )

    def page(
        self, session: Session, tokens: PageTokens, *, caller: Caller
    ) -> ListView[AuditEventView]:
        """The page that the query asks for."""
        where = self.filter_for(caller)
        scope = [where.project, "audit", *(self.model_dump(mode="json", include=_PERIOD).values())]
        after = tokens.read(self.page_token, scope=scope)
        page = audit.page(session, where=where, after=after, limit=self.page_size)
        items = [AuditEventView.of(record) for record in page.items]
        return ListView(
            items=items, next_page_token=tokens.make(page.next_after(len(items)), scope=scope)
        )


_PERIOD = {"since", "until"}
