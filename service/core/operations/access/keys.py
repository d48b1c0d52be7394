"""API keys: issued once, stored as digests, scoped, bound to a project."""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from service.core.clock import now
from service.core.errors import (
    FieldProblem,
    ForbiddenError,
    InvalidRequestError,
    UnauthenticatedError,
)
from service.core.ids import IdKind, new_id
from service.core.operations import owned_rows
from service.core.paging import Page, page_of
from service.core.tables import KeyRecord

DEFAULT_PROJECT = "default"
_FIRST_KEY_LOCK = 0x5A00_0001


class Scope(StrEnum):
    """What a key allows. ``admin`` includes the others."""

    READ = "read"
    WRITE = "write"
    JOBS = "jobs"
    ADMIN = "admin"


@dataclass(frozen=True)
class Caller:
    """The caller of a request: the project, the key and its scopes."""

    project: str
    key_id: str
    scopes: frozenset[str]

    def require(self, scope: Scope) -> None:
        """Require that the key has ``scope``.

        Raises:
            ForbiddenError: Neither the scope nor ``admin`` is among the key's.
        """
        if scope not in self.scopes and Scope.ADMIN not in self.scopes:
            raise ForbiddenError(
                f"this request needs the scope {scope!r}; the key has {', '.join(sorted(self.scopes))}",
                remedy="ask an administrator for a key with that scope",
            )


ANYBODY = Caller(DEFAULT_PROJECT, "nobody", frozenset(Scope))


@dataclass(frozen=True)
class NewKey:
    """A new key with its secret token, which is shown now and never again."""

    record: KeyRecord
    token: str


def issue(session: Session, *, project: str, name: str, scopes: Collection[str]) -> NewKey:
    """Create a key.

    Raises:
        InvalidRequestError: ``unknown_scope``, or no scope at all.
    """
    unknown = sorted(set(scopes) - set(Scope))
    if unknown or not scopes:
        raise InvalidRequestError(
            f"unknown scopes: {', '.join(unknown)}"
            if unknown
            else "a key needs at least one scope",
            code="unknown_scope",
            remedy=f"choose among {', '.join(Scope)}",
            errors=[FieldProblem("/scopes", f"choose among {', '.join(Scope)}")],
        )
    key_id = new_id(IdKind.KEY)
    secret = secrets.token_urlsafe(32)
    record = KeyRecord(
        id=key_id,
        project=project,
        name=name,
        secret_sha256=_digest(secret),
        scopes=sorted(set(scopes)),
    )
    session.add(record)
    session.flush()
    return NewKey(record, f"zoo_{key_id.removeprefix('key_')}_{secret}")


def issue_first(session: Session) -> NewKey | None:
    """The administrator's key of a zoo that has no key yet; None otherwise."""
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _FIRST_KEY_LOCK})
    if session.scalar(select(func.count()).select_from(KeyRecord)):
        return None
    return issue(session, project=DEFAULT_PROJECT, name="first key", scopes=[Scope.ADMIN])


def caller_with(session: Session, *, token: str) -> Caller:
    """The caller with ``token``.

    Raises:
        UnauthenticatedError: The token is malformed, unknown or revoked.
    """
    prefix, _, rest = token.partition("_")
    ulid, _, secret = rest.partition("_")
    record = session.get(KeyRecord, f"key_{ulid}") if prefix == "zoo" and secret else None
    expected = record.secret_sha256 if record is not None else "0" * 64
    fits = hmac.compare_digest(expected, _digest(secret))
    if record is None or not fits or record.revoked_at is not None:
        raise UnauthenticatedError(
            "the API key is unknown or revoked",
            remedy="send `Authorization: Bearer zoo_…` with a key of this zoo",
        )
    return Caller(record.project, record.id, frozenset(record.scopes))


def page(session: Session, *, project: str, after: str | None, limit: int) -> Page[KeyRecord]:
    """The project's keys, newest first, revoked ones included."""
    query = select(KeyRecord).where(KeyRecord.project == project)
    if after is not None:
        query = query.where(KeyRecord.id < after)
    rows = session.scalars(query.order_by(KeyRecord.id.desc()).limit(limit + 1)).all()
    return page_of(list(rows), limit=limit)


def revoke(session: Session, *, project: str, key_id: str) -> KeyRecord:
    """Revoke a key; doing it again changes nothing."""
    record = owned_rows.get_locked(session, KeyRecord, project=project, id=key_id)
    if record.revoked_at is None:
        record.revoked_at = now()
        session.flush()
    return record


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()
