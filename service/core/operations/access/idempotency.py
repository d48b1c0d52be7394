"""Idempotency: a POST with an Idempotency-Key runs once, however often it is sent."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.orm import Session

from service.core.errors import ConflictError, InvalidRequestError
from service.core.tables import IdempotencyRecord

LONGEST_KEY = 200
KEY_PATTERN = r"^[\x20-\x7e]+$"


@dataclass(frozen=True)
class StoredResponse:
    """The response to a request, which can be replayed."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)


def once(
    session: Session,
    *,
    project: str,
    key: str | None,
    request_sha256: str,
    work: Callable[[], StoredResponse],
) -> StoredResponse:
    """The response of ``work``, or the stored response if the same request came before.

    One transaction runs the work and stores the response. A failed request stores nothing, so you
    can send it again.

    Args:
        session: The transaction of the work and of the stored response.
        project: Keys of different projects are independent.
        key: The client's Idempotency-Key; without one the work always runs.
        request_sha256: Digest of everything that determines the request.
        work: Runs in ``session``.

    Raises:
        InvalidRequestError: ``idempotency_key_reused``: another request used the key.
        ConflictError: ``request_in_flight``: the same request is in progress.
    """
    if key is None:
        return work()
    _claim(session, project, key)
    stored = session.get(IdempotencyRecord, (project, key))
    if stored is not None:
        return _replayed(stored, request_sha256)
    response = work()
    session.add(
        IdempotencyRecord(
            project=project,
            key=key,
            request_sha256=request_sha256,
            status=response.status,
            headers=json.dumps(response.headers),
            body=response.body,
        )
    )
    session.flush()
    return response


def _claim(session: Session, project: str, key: str) -> None:
    """Lock the key until the transaction ends."""
    lock = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 20))")
    if not session.scalar(lock, {"name": f"{project}\n{key}"}):
        raise ConflictError(
            "a request with this Idempotency-Key is in progress",
            code="request_in_flight",
            remedy="wait a moment and send it again",
        )


def _replayed(stored: IdempotencyRecord, request_sha256: str) -> StoredResponse:
    if stored.request_sha256 != request_sha256:
        raise InvalidRequestError(
            "another request has used this Idempotency-Key",
            code="idempotency_key_reused",
            remedy="use a new key for a new request",
        )
    headers = {**json.loads(stored.headers or "{}"), "Idempotency-Replayed": "true"}
    return StoredResponse(stored.status or 200, stored.body or "", headers)
