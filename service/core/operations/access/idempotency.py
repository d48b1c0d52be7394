"""A POST with an Idempotency-Key happens once, however often it is sent."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.orm import Session

from service.core.errors import ConflictError, InvalidRequestError
from service.core.tables import IdempotencyRecord


@dataclass(frozen=True)
class StoredResponse:
    """What a request was answered with."""

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
    """The answer of ``work``, or the one it gave when the same request came before.

    The answer is stored in the transaction that did the work: both are kept or neither is. A
    request that failed leaves nothing, so it may be sent again.

    Args:
        session: The transaction that the work and the stored answer share.
        project: Keys of different projects never meet.
        key: The client's Idempotency-Key; None lets the work happen each time.
        request_sha256: Digest of everything that decides the request.
        work: What to do in ``session``.

    Raises:
        InvalidRequestError: ``idempotency_key_reused``: the key came with another request.
        ConflictError: ``request_in_flight``: the same request is being worked on.
    """
    if key is None:
        return work()
    _claim(session, project, key)
    stored = session.get(IdempotencyRecord, (project, key))
    if stored is not None:
        return _answer_again(stored, request_sha256)
    answer = work()
    session.add(
        IdempotencyRecord(
            project=project,
            key=key,
            request_sha256=request_sha256,
            status=answer.status,
            headers=json.dumps(answer.headers),
            body=answer.body,
        )
    )
    session.flush()
    return answer


def _claim(session: Session, project: str, key: str) -> None:
    """Hold the key until the transaction ends."""
    lock = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 20))")
    if not session.scalar(lock, {"name": f"{project}\n{key}"}):
        raise ConflictError(
            "a request with this Idempotency-Key is being worked on",
            code="request_in_flight",
            remedy="wait a moment and send it again",
        )


def _answer_again(stored: IdempotencyRecord, request_sha256: str) -> StoredResponse:
    if stored.request_sha256 != request_sha256:
        raise InvalidRequestError(
            "this Idempotency-Key came with another request before",
            code="idempotency_key_reused",
            remedy="use a new key for a new request",
        )
    headers = {**json.loads(stored.headers or "{}"), "Idempotency-Replayed": "true"}
    return StoredResponse(stored.status or 200, stored.body or "", headers)
