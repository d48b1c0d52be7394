"""Celery's Redis transport, hardened: only notifications of jobs reach Celery.

A queue of Redis holds whatever somebody pushed. Celery parses it before any code of ours runs, and
stops the worker at what it cannot parse. So each message is reduced to the id of its job here, and
rebuilt; what names no job is dropped. A queue whose key holds another type of data, at which Celery
would fail for ever, is moved aside.
"""

import base64
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from redis.exceptions import ResponseError

from service.adapters.job_notifier import TASK_NAME, keys_of
from service.adapters.worker_registry import KeyType, MessageKind, WorkerRegistry
from service.core.ids import IdKind, id_pattern

_SCHEMES = ("redis", "rediss")
# What reading a message of any form can raise: kombu decodes dates, numbers and ids on the way.
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

JobId = Annotated[str, Field(pattern=id_pattern(IdKind.JOB))]
_ARGUMENTS: TypeAdapter[tuple[tuple[JobId], dict[str, Any], Any]] = TypeAdapter(
    tuple[tuple[JobId], dict[str, Any], Any]
)


class _Headers(BaseModel):
    task: Literal["run_job"]


class _Message(BaseModel):
    headers: _Headers
    body: str


@dataclass(frozen=True)
class _Guard:
    """Keeps what is not ours from Celery; ``types`` are the keys that this process uses."""

    registry: WorkerRegistry
    types: Mapping[str, KeyType]

    def drop(self, reason: str) -> None:
        """Count a dropped message."""
        self.registry.count_dropped(MessageKind.NOTIFICATION, reason=reason)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What a function of kombu returns, called again if it met a key of another type."""
        return self.registry.with_own_keys(self.types, lambda: function(*arguments))


class _NoRestoring(kombu_redis.QoS):
    """Nothing unacknowledged is delivered again: a lost notification costs time and nothing else.

    Restoring compares the clocks of two machines, and reads what anybody may have stored.
    """

    restore_at_shutdown = False

    def append(self, message: Any, delivery_tag: Any) -> None:
        """Note a delivered message."""
        self.channel.guard.call(super().append, message, delivery_tag)

    def restore_visible(self, start: int = 0, num: int = 10, interval: int = 10) -> None:
        """Do nothing."""

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's signature
        """Do nothing."""


class _HardenedChannel(kombu_redis.Channel):
    QoS = _NoRestoring
    guard: ClassVar[_Guard]

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except ResponseError as error:
            # Nothing is left to read; the next poll finds the keys as they should be.
            self.guard.registry.require_own_keys(self.guard.types, error)
        except _UNREADABLE as error:
            self.guard.drop(f"{type(error).__name__}: {error}")

    def _size(self, queue: str) -> Any:
        return self.guard.call(super()._size, queue)

    def _queue_bind(self, *arguments: Any) -> None:
        self.guard.call(super()._queue_bind, *arguments)


class _HardenedTransport(kombu_redis.Transport):
    guard: ClassVar[_Guard]

    def _deliver(self, message: Any, queue: str) -> None:
        try:
            job_id = job_of(message)
        except ValueError as error:
            self.guard.drop(str(error))
        else:
            super()._deliver(notification(job_id, queue), queue)  # type: ignore[no-untyped-call]


def harden_transport(registry: WorkerRegistry, *, queues: Sequence[str]) -> None:
    """Have every Redis connection that Celery opens in this process drop what is not ours.

    Args:
        registry: Counts what was dropped.
        queues: The queues that this process serves.
    """
    types = {key: kind for queue in queues for key, kind in keys_of(queue).items()}
    guards = {"guard": _Guard(registry, types)}
    channel = type("HardenedChannel", (_HardenedChannel,), guards)
    transport = type("HardenedTransport", (_HardenedTransport,), {"Channel": channel, **guards})
    for scheme in _SCHEMES:
        # kombu calls what is no text
        TRANSPORT_ALIASES[scheme] = lambda: transport  # type: ignore[assignment]


def job_of(message: object) -> str:
    """The id of the job that a message announces. Raises ValueError."""
    try:
        body = base64.b64decode(_Message.model_validate(message).body, validate=True)
        return _ARGUMENTS.validate_json(body)[0][0]
    except ValidationError as error:
        raise ValueError(str(error.errors(include_input=False)[0]["msg"])) from error


def notification(job_id: str, queue: str) -> dict[str, Any]:
    """Celery's message for the notification of a job."""
    task_id = str(uuid.uuid4())
    body = json.dumps([[job_id], {}, {}]).encode()
    return {
        "body": base64.b64encode(body).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": TASK_NAME, "id": task_id, "root_id": task_id},
        "properties": {
            "correlation_id": task_id,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        },
    }
