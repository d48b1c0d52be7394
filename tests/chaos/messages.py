"""Messages as an API or the scheduler sends them through Redis, and what may become of them."""

import json
import random
from collections.abc import Callable, Mapping

from service.adapters.notification_transport import notification
from service.adapters.worker_registry import MessageKind
from service.core.ids import IdKind, new_id
from service.core.manifest import TaskKind
from service.core.predict_messages import ForwardPass, PredictRequest

NOTIFICATIONS = "cpu"
PREDICT_REQUESTS = "zoo:questions"
NOISE = b"\x00\xff noise"
_PASS = ForwardPass(
    program="0" * 64,
    input={"height": 8, "width": 8},
    task=TaskKind.CLASSIFICATION,
    feature_layer=None,
    output=None,
    layer=None,
)


def _notification() -> bytes:
    return json.dumps(notification(new_id(IdKind.JOB), NOTIFICATIONS)).encode()


def _predict_request() -> bytes:
    """A request that nobody waits for."""
    return PredictRequest("0" * 26, _PASS, 1, (b"image",), 30.0).packed()


MESSAGES: Mapping[str, Callable[[], bytes]] = {
    NOTIFICATIONS: _notification,
    PREDICT_REQUESTS: _predict_request,
}
"""A whole message for each queue."""

KINDS: Mapping[str, MessageKind] = {
    NOTIFICATIONS: MessageKind.NOTIFICATION,
    PREDICT_REQUESTS: MessageKind.PREDICT_REQUEST,
}
"""Under which kind the malformed messages of each queue are counted."""


def damaged(message: bytes, numbers: random.Random) -> bytes:
    """The message cut off, with another byte, or replaced by noise of any length up to its own."""
    index = numbers.randrange(len(message))
    match numbers.choice(("cut", "changed", "noise")):
        case "cut":
            return message[:index]
        case "changed":
            return message[:index] + numbers.randbytes(1) + message[index + 1 :]
        case _:
            return numbers.randbytes(index)
