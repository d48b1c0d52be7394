"""Wire shapes of API keys."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from service.core.manifest import Name, Strict
from service.core.operations.access.keys import NewKey
from service.views.paging import RecordView

ScopeName = Literal["read", "write", "jobs", "admin"]
Project = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


class NewKeyView(Strict):
    """A key to issue. Without ``project`` it is the caller's own."""

    name: Name
    scopes: list[ScopeName] = Field(min_length=1, max_length=4)
    project: Project | None = None


class KeyView(RecordView):
    """An API key, without its secret."""

    id: str
    name: str
    project: str
    scopes: list[str]
    created_at: datetime
    revoked_at: datetime | None = None


class IssuedKeyView(KeyView):
    """A new key with its token, which is shown only now."""

    token: str

    @classmethod
    def issued(cls, key: NewKey) -> Self:
        """The view of a new key."""
        return cls(token=key.token, **KeyView.of(key.record).model_dump())
