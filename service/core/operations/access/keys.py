"""API keys: issued once, stored as digests, scoped, bound to a project, valid until they expire."""

import hashlib
import hmac
import math
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Interval, any_, func, literal, or_, select, text, type_coerce, update
from sqlalchemy.orm import Session

from service.core.clock import now
from service.core.errors import (
    FieldProblem,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    UnauthenticatedError,
)
from service.core.ids import IdKind, new_id
from service.core.operations import owned_rows
from service.core.operations.access import audit
from service.core.operations.access.audit import AuditEvent
from service.core.operations.new_names import require_name
from service.core.paging import Page, page_of
from service.core.tables import AuditApi, KeyRecord

DEFAULT_PROJECT = "default"
_FIRST_KEY_LOCK = 0x5A00_0001
_TOKEN = re.compile(r"zoo_(?P<ulid>[0-9A-Z]{26})_(?P<secret>[0-9A-Za-z_-]{43})", re.ASCII)


class Scope(StrEnum):
    """What a key allows. ``admin`` includes the others except ``operator``."""

    READ = "read"
    WRITE = "write"
    JOBS = "jobs"
    ADMIN = "admin"
    OPERATOR = "operator"


_MEANINGS: Mapping[str, str] = {
    Scope.READ: "list, show and download",
    Scope.WRITE: "upload, change and delete",
    Scope.JOBS: "run and cancel jobs",
    Scope.ADMIN: "everything in its project, and its keys",
    Scope.OPERATOR: "keys and quotas of all projects",
}
_INCLUDED_IN_ADMIN = frozenset(Scope) - {Scope.OPERATOR}


def in_words(scope: str) -> str:
    """A scope with what it allows, such as ``read (list, show and download)``."""
    meaning = _MEANINGS.get(scope)
    return str(scope) if meaning is None else f"{scope} ({meaning})"


@dataclass(frozen=True)
class Caller:
    """The caller of a request: the project, the key and its scopes."""

    project: str
    key_id: str
    scopes: frozenset[str]

    @property
    def held_scopes(self) -> frozenset[str]:
        """The key's scopes and those that they include."""
        return self.scopes | _INCLUDED_IN_ADMIN if Scope.ADMIN in self.scopes else self.scopes

    def require(self, *scopes: Scope) -> None:
        """Require that the key has at least one of ``scopes``.

        Raises:
            ForbiddenError: It has none of them.
        """
        if self.held_scopes.isdisjoint(scopes):
            raise ForbiddenError(
                f"this request needs the scope {' or '.join(map(in_words, scopes))};"
                f" the key has {', '.join(map(in_words, sorted(self.scopes)))}",
                remedy="ask an administrator for a key with that scope;"
                " `zooscope keys show` describes yours",
            )


ANYBODY = Caller(DEFAULT_PROJECT, "nobody", frozenset(Scope))


@dataclass(frozen=True)
class NewKey:
    """A new key with its secret token, which is shown now and never again."""

    record: KeyRecord
    token: str


@dataclass(frozen=True)
class ValidKey:
    """A caller whose key is valid, and for how many seconds; infinite without an expiry."""

    caller: Caller
    seconds_left: float


def issue(
    session: Session,
    *,
    project: str,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None = None,
) -> NewKey:
    """Create a key.

    Raises:
        InvalidRequestError: ``invalid_name``; ``unknown_scope``, or no scope at all.
    """
    require_name(name)
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
        expires_at=expires_at,
    )
    session.add(record)
    session.flush()
    return NewKey(record, f"zoo_{key_id.removeprefix('key_')}_{secret}")


def issue_first(session: Session) -> NewKey | None:
    """The key of a zoo that no valid key with the scope ``operator`` can manage; None otherwise."""
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _FIRST_KEY_LOCK})
    valid = or_(KeyRecord.expires_at.is_(None), KeyRecord.expires_at > func.clock_timestamp())
    operators = select(func.count()).where(
        literal(Scope.OPERATOR.value) == any_(KeyRecord.scopes),
        KeyRecord.revoked_at.is_(None),
        valid,
    )
    if session.scalar(operators):
        return None
    key = issue(
        session,
        project=DEFAULT_PROJECT,
        name="first key",
        scopes=[Scope.ADMIN, Scope.OPERATOR],
    )
    event = AuditEvent(
        api=AuditApi.LOCAL,
        action="keys.create",
        project=DEFAULT_PROJECT,
        ids=(key.record.id,),
    )
    audit.write(session, [event])
    return key


def valid_key(session: Session, *, token: str) -> ValidKey:
    """The caller with ``token``, and how long its key stays valid.

    Raises:
        UnauthenticatedError: The token is malformed, unknown, revoked or expired; the error does
            not say which.
    """
    parts = _TOKEN.fullmatch(token)
    if parts is None:
        raise _wrong_key()
    left = type_coerce(KeyRecord.expires_at - func.clock_timestamp(), Interval)
    row = session.execute(
        select(KeyRecord, left).where(KeyRecord.id == f"key_{parts['ulid']}")
    ).one_or_none()
    expected = row[0].secret_sha256 if row is not None else "0" * 64
    fits = hmac.compare_digest(expected, _digest(parts["secret"]))
    if row is None or not fits:
        raise _wrong_key()
    record, remaining = row
    seconds_left = math.inf if record.expires_at is None else remaining.total_seconds()
    if record.revoked_at is not None or seconds_left <= 0:
        raise _wrong_key()
    return ValidKey(Caller(record.project, record.id, frozenset(record.scopes)), seconds_left)


def ended(session: Session, key_ids: Collection[str]) -> set[str]:
    """Those of the keys that were revoked or have expired."""
    expired = KeyRecord.expires_at <= func.clock_timestamp()
    query = select(KeyRecord.id).where(
        KeyRecord.id.in_(key_ids), or_(KeyRecord.revoked_at.is_not(None), expired)
    )
    return set(session.scalars(query))


def page(session: Session, *, project: str, after: str | None, limit: int) -> Page[KeyRecord]:
    """The project's keys, newest first, revoked and expired ones included."""
    query = select(KeyRecord).where(KeyRecord.project == project)
    if after is not None:
        query = query.where(KeyRecord.id < after)
    rows = session.scalars(query.order_by(KeyRecord.id.desc()).limit(limit + 1)).all()
    return page_of(list(rows), limit=limit)


def own(session: Session, *, caller: Caller) -> KeyRecord:
    """The key of a call.

    Raises:
        NotFoundError: ``no_key``: the zoo takes calls without a key.
    """
    record = owned_rows.find(session, KeyRecord, project=caller.project, id=caller.key_id)
    if record is None:
        raise NotFoundError(
            "the call carries no key, and this zoo requires none",
            code="no_key",
            remedy="set ZOO_AUTH to true if calls should need a key",
        )
    return record


def revoke(session: Session, *, project: str, key_id: str) -> KeyRecord:
    """Revoke a key; doing it again changes nothing."""
    record = owned_rows.get_locked(session, KeyRecord, project=project, id=key_id)
    if record.revoked_at is None:
        record.revoked_at = now()
        session.flush()
    return record


def record_uses(session: Session, seconds_ago: Mapping[str, float]) -> None:
    """Record when keys were last used, by id; an earlier time than the recorded one is ignored.

    The times are the database's: clocks of several servers are never compared.
    """
    # In one order, so that two processes never wait for each other.
    for key_id, seconds in sorted(seconds_ago.items()):
        used_at = func.clock_timestamp() - timedelta(seconds=seconds)
        session.execute(
            update(KeyRecord)
            .where(KeyRecord.id == key_id)
            .values(last_used_at=func.greatest(KeyRecord.last_used_at, used_at))
        )


def _wrong_key() -> UnauthenticatedError:
    return UnauthenticatedError(
        "the API key is unknown, revoked or expired",
        remedy="send `Authorization: Bearer zoo_…` with a valid key of this zoo;"
        " an administrator creates one with `zooscope keys create`",
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
