"""Wire shapes of API keys."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field
from sqlalchemy.orm import Session

from service.core.manifest import Name, Strict
from service.core.operations.access import key_administration, keys
from service.core.operations.access.key_administration import KeyRequest
from service.core.operations.access.keys import Caller, NewKey
from service.core.operations.access.projects import require_project
from service.core.paging import PageTokens
from service.views.paging import ListView, PageQuery, RecordView, list_view

ScopeName = Literal["read", "write", "jobs", "admin", "operator"]
Project = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
# Beyond this, a time in another zone could leave the calendar.
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)


class NewKeyView(Strict):
    """A key to create. Without ``project`` it is the caller's own; without ``expires_at`` it stays valid."""

    name: Name
    scopes: list[ScopeName] = Field(min_length=1, max_length=5)
    project: Project | None = None
    expires_at: AwareDatetime | None = Field(None, lt=_LATEST)

    @property
    def request(self) -> KeyRequest:
        """The same as the operation takes it."""
        return KeyRequest(self.name, self.scopes, self.project, self.expires_at)


class KeyQuery(PageQuery):
    """Which keys to list."""

    project: Project | None = Field(
        None, description="Project of the keys; another than your own needs the scope operator."
    )

    def page(self, session: Session, tokens: PageTokens, *, caller: Caller) -> "ListView[KeyView]":
        """The page of keys, newest first.

        Raises:
            ForbiddenError: ``other_project``.
            NotFoundError: ``project_not_found``.
        """
        project = key_administration.project_of(caller, self.project)
        if project != caller.project:
            require_project(session, project)

        read = partial(keys.page, session, project=project)
        return list_view(read, KeyView.of, self, tokens=tokens, scope=[project, "keys"])


class KeyView(RecordView):
    """An API key, without its secret; ``last_used_at`` is exact to about a minute."""

    id: str
    name: str
    project: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class OwnKeyView(KeyView):
    """The caller's own key; ``held_scopes`` are its scopes and those that they include."""

    held_scopes: list[str]

    @classmethod
    def of_caller(cls, session: Session, caller: Caller) -> Self:
        """The view of the key of a call."""
        record = keys.own(session, caller=caller)
        return cls(held_scopes=sorted(caller.held_scopes), **KeyView.of(record).model_dump())


class IssuedKeyView(KeyView):
    """A new key with its token, which is shown only now."""

    token: str

    @classmethod
    def issued(cls, key: NewKey) -> Self:
        """The view of a new key."""
        return cls(token=key.token, **KeyView.of(key.record).model_dump())
