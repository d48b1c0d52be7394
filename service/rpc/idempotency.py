"""A call with the metadata ``idempotency-key`` takes effect once, however often it is sent."""

import base64
import re
from collections.abc import Callable
from typing import Any, TypeVar

from google.protobuf.message import Message
from pydantic import BaseModel
from sqlalchemy.orm import Session

from service.container import Zoo
from service.core.counts import counted
from service.core.errors import InvalidRequestError
from service.core.fingerprints import fingerprint
from service.core.operations.access import audited_calls, idempotency
from service.core.operations.access.idempotency import KEY_PATTERN, LONGEST_KEY, StoredResponse
from service.core.operations.error_pointers import invalid_value
from service.rpc.context import RpcCall
from service.rpc.from_proto import from_proto

M = TypeVar("M", bound=Message)


def once(
    zoo: Zoo, call: RpcCall, *, request: Any, shape: type[M], work: Callable[[Session], M]
) -> M:
    """The message that ``work`` makes, or made when the same call came before.

    Args:
        zoo: Its transaction holds both the work and the stored answer.
        call: The caller and the key.
        request: Everything that decides the call, as a request model or JSON values.
        shape: The class of the answer.
        work: What to do.

    Raises:
        InvalidRequestError: The key is too long, or no printable text.
    """
    _require_short(call.idempotency_key)
    # Each API stores its own form of the answer, so their keys must differ.
    key = None if call.idempotency_key is None else f"grpc {call.idempotency_key}"
    values = request.model_dump(mode="json") if isinstance(request, BaseModel) else request
    with zoo.transaction() as session:
        answer = idempotency.once(
            session,
            project=call.project,
            key=key,
            request_sha256=fingerprint([shape.DESCRIPTOR.full_name, values]),
            work=lambda: _stored(_noted(work(session))),
        )
    return shape.FromString(base64.b64decode(answer.body))


def _require_short(key: str | None) -> None:
    """Accept what REST accepts as a key. Raises InvalidRequestError."""
    if key is None or (len(key) <= LONGEST_KEY and re.fullmatch(KEY_PATTERN, key)):
        return
    raise invalid_value(
        "/metadata/idempotency-key",
        f"the key has {counted(len(key), 'character')}; it may have 1 to {LONGEST_KEY} of"
        " printable ASCII",
        code=InvalidRequestError.code,
        remedy="send a short random key, such as a UUID",
    )


def _noted(message: M) -> M:
    """The answer, whose ids the audit log names."""
    audited_calls.note_created(from_proto(message))
    return message


def _stored(message: Message) -> StoredResponse:
    return StoredResponse(200, base64.b64encode(message.SerializeToString()).decode())
