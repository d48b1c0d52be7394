"""A call with the metadata ``idempotency-key`` takes effect once, however often it is sent."""

import base64
from collections.abc import Callable
from typing import Any, TypeVar

from google.protobuf.message import Message
from pydantic import BaseModel
from sqlalchemy.orm import Session

from service.container import Zoo
from service.core.fingerprints import fingerprint
from service.core.operations.access import idempotency
from service.core.operations.access.idempotency import StoredResponse
from service.rpc.context import RpcCall

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
    """
    # Each API stores its own form of the answer, so their keys must differ.
    key = None if call.idempotency_key is None else f"grpc {call.idempotency_key}"
    values = request.model_dump(mode="json") if isinstance(request, BaseModel) else request
    with zoo.transaction() as session:
        answer = idempotency.once(
            session,
            project=call.project,
            key=key,
            request_sha256=fingerprint([shape.DESCRIPTOR.full_name, values]),
            work=lambda: _stored(work(session)),
        )
    return shape.FromString(base64.b64decode(answer.body))


def _stored(message: Message) -> StoredResponse:
    return StoredResponse(200, base64.b64encode(message.SerializeToString()).decode())
