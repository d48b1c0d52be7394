"""Sessions of browsers: begun with a key or a one-time link, ended by sign-out, expiry or the key's end."""

import hashlib
import math
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Interval,
    Select,
    delete,
    func,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session

from service.core.errors import ConflictError, UnauthenticatedError
from service.core.operations.access.keys import ANYBODY, Caller, ValidKey
from service.core.tables import KeyRecord, SessionRecord, SignInLinkRecord

SESSION_PREFIX = "zoo_session_"
LINK_PREFIX = "zoo_link_"
ENDED = "session_ended"
# An ended session is remembered this long, so that its cookie does not count as a wrong key.
_RETENTION = timedelta(days=7)


@dataclass(frozen=True)
class NewSession:
    """A new session or link with its secret token, which exists nowhere else, and when it expires."""

    token: str
    expires_at: datetime


def begin(session: Session, caller: Caller, *, seconds: float) -> NewSession:
    """A new session of the caller's key.

    Raises:
        ConflictError: ``keys_not_required``: the zoo runs without keys.
    """
    _require_key(caller)
    token, expires_at = _new_token(SESSION_PREFIX), _later(session, seconds)
    row = SessionRecord(token_sha256=_digest(token), key_id=caller.key_id, expires_at=expires_at)
    session.add(row)
    session.flush()
    return NewSession(token, expires_at)


def create_link(session: Session, caller: Caller, *, seconds: float) -> NewSession:
    """A new link that begins one session of the caller's key. Errors are those of ``begin``."""
    _require_key(caller)
    token, expires_at = _new_token(LINK_PREFIX), _later(session, seconds)
    row = SignInLinkRecord(
        token_sha256=_digest(token), key_id=caller.key_id, expires_at=expires_at
    )
    session.add(row)
    session.flush()
    return NewSession(token, expires_at)


def path_of(link: NewSession) -> str:
    """The path of the page that uses a link; its token is in the fragment, which no server receives."""
    return f"/#/sign-in/{link.token}"


def link_holder(session: Session, *, token: str) -> Caller:
    """Who may begin a session with a link: its key, without any scope, and without using it up.

    Raises:
        UnauthenticatedError: ``link_not_valid``: it is unknown, used or expired, or its key is.
    """
    query = (
        select(KeyRecord)
        .join(SignInLinkRecord, SignInLinkRecord.key_id == KeyRecord.id)
        .where(*_unused(token), *_usable_key())
    )
    key = session.scalars(query).one_or_none()
    if key is None:
        raise _link_not_valid()
    return Caller(key.project, key.id, frozenset())


def use_link(session: Session, *, token: str) -> None:
    """Use a link up; of two requests with one link, one gets here. Errors: ``link_holder``."""
    used = (
        update(SignInLinkRecord)
        .where(*_unused(token))
        .values(used_at=func.clock_timestamp())
        .returning(SignInLinkRecord.key_id)
    )
    if session.execute(used).one_or_none() is None:
        raise _link_not_valid()


def valid_session(session: Session, *, token: str) -> ValidKey:
    """The caller of a session, and how long it stays valid.

    Raises:
        UnauthenticatedError: ``session_ended``: it has ended, or its key has; ``unauthenticated``:
            there never was such a session.
    """
    row = session.execute(_session_with(token)).one_or_none()
    if row is None:
        raise UnauthenticatedError("there is no such session", remedy=_SIGN_IN)
    key, ended_at, session_left, key_left = row
    left = min(
        session_left.total_seconds(), math.inf if key_left is None else key_left.total_seconds()
    )
    if ended_at is not None or key.revoked_at is not None or left <= 0:
        raise UnauthenticatedError("the session has ended", code=ENDED, remedy=_SIGN_IN)
    return ValidKey(Caller(key.project, key.id, frozenset(key.scopes)), left)


def end(session: Session, *, token: str) -> None:
    """End a session; ending it again changes nothing."""
    session.execute(
        update(SessionRecord)
        .where(SessionRecord.token_sha256 == _digest(token), SessionRecord.ended_at.is_(None))
        .values(ended_at=func.clock_timestamp())
    )


def expiry_of(session: Session, *, token: str) -> datetime | None:
    """When a session expires; None if there is none with this token."""
    query = select(SessionRecord.expires_at).where(SessionRecord.token_sha256 == _digest(token))
    return session.scalar(query)


def remove_expired(session: Session) -> None:
    """Delete sessions and links that expired long ago."""
    for table in (SessionRecord, SignInLinkRecord):
        session.execute(
            delete(table).where(table.expires_at < func.clock_timestamp() - _RETENTION)
        )


_SIGN_IN = (
    "sign in again with an API key, or with a new link of `zooscope sign-in` on the zoo's machine"
)


def _session_with(token: str) -> Select[KeyRecord, datetime | None, timedelta, timedelta | None]:
    now = func.clock_timestamp()
    return (
        select(
            KeyRecord,
            SessionRecord.ended_at,
            type_coerce(SessionRecord.expires_at - now, Interval),
            type_coerce(KeyRecord.expires_at - now, Interval),
        )
        .join(SessionRecord, SessionRecord.key_id == KeyRecord.id)
        .where(SessionRecord.token_sha256 == _digest(token))
    )


def _unused(token: str) -> tuple[ColumnElement[bool], ...]:
    return (
        SignInLinkRecord.token_sha256 == _digest(token),
        SignInLinkRecord.used_at.is_(None),
        SignInLinkRecord.expires_at > func.clock_timestamp(),
    )


def _usable_key() -> tuple[ColumnElement[bool], ...]:
    return (
        KeyRecord.revoked_at.is_(None),
        or_(KeyRecord.expires_at.is_(None), KeyRecord.expires_at > func.clock_timestamp()),
    )


def _require_key(caller: Caller) -> None:
    if caller == ANYBODY:
        raise ConflictError(
            "this zoo runs without keys, so nobody needs to sign in",
            code="keys_not_required",
            remedy="open the page; it shows everything",
        )


def _link_not_valid() -> UnauthenticatedError:
    return UnauthenticatedError(
        "the link was used before, has expired or is unknown",
        code="link_not_valid",
        remedy="create a new one with `zooscope sign-in` on the zoo's machine, or sign in with a key",
    )


def _new_token(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(32)


def _later(session: Session, seconds: float) -> datetime:
    """The database's time in so many seconds."""
    now: datetime = session.scalars(select(func.clock_timestamp())).one()
    return now + timedelta(seconds=seconds)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()
