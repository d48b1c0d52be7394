"""Wire shapes of sessions and of the answer to who a caller is."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel
from sqlalchemy.orm import Session

from service.core.operations import owned_rows
from service.core.operations.access import sessions
from service.core.operations.access.keys import Caller
from service.views.keys import ScopeName


class SessionView(BaseModel):
    """A session that has just begun; the browser has its token in a cookie."""

    expires_at: datetime


class SignInLinkView(BaseModel):
    """A link that signs one browser in, once."""

    url: str
    expires_at: datetime


class WhoamiView(BaseModel):
    """Who sends a request: project, key and what the key allows.

    ``scopes`` include those that ``admin`` includes. ``key_id`` is null in a zoo that runs without
    keys, ``session_expires_at`` in a request with a key.
    """

    project: str
    key_id: str | None
    key_name: str | None
    scopes: list[ScopeName]
    key_expires_at: datetime | None = None
    session_expires_at: datetime | None = None

    @classmethod
    def of(cls, session: Session, caller: Caller, *, token: str | None) -> Self:
        """The view of a caller, whose session has this token."""
        key = owned_rows.key_with(session, id=caller.key_id)
        expires_at = None if token is None else sessions.expiry_of(session, token=token)
        return cls(
            project=caller.project,
            key_id=None if key is None else key.id,
            key_name=None if key is None else key.name,
            scopes=sorted(caller.held_scopes),
            key_expires_at=None if key is None else key.expires_at,
            session_expires_at=expires_at,
        )
