"""What workers report about themselves in Redis: who runs, and what was dropped or moved aside.

Nothing is persistent: a worker that stops reporting is forgotten by Redis' own clock.
"""

import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self, TypeVar

import structlog
from kombu.exceptions import KombuError
from pydantic import TypeAdapter, ValidationError
from redis import Redis
from redis.exceptions import RedisError

from service.adapters.redis_address import CONNECT_TIMEOUT_SECONDS, client_url

log = structlog.get_logger(__name__)

PRESENCE_SECONDS = 15
_WORKERS_PREFIX = "zoo:workers:"
_DROPPED_KEY = "zoo:dropped"
_ASIDE_PREFIX = "zoo:aside:"
_ASIDE_SECONDS = 7 * 24 * 3600
# Moves a key that holds another type, and returns that type.
_MOVE = """
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' or kind == ARGV[1] then return false end
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return kind
"""
T = TypeVar("T")


class MessageKind(StrEnum):
    """What was dropped because it is malformed: a message, or a whole key of another type."""

    NOTIFICATION = "notification"
    PREDICT_REQUEST = "predict_request"
    PREDICT_RESPONSE = "predict_response"
    KEY = "key"


class KeyType(StrEnum):
    """Type of a key, in Redis' own words."""

    LIST = "list"
    SET = "set"
    HASH = "hash"
    SORTED_SET = "zset"


class MemoryLimit(StrEnum):
    """What limits the memory of a worker's jobs."""

    CONTROL_GROUP = "a control group for each process, and its own data"
    OWN_DATA = "the data of each process (no control group is delegated)"
    NONE = "nothing (jobs on an accelerator are not limited)"


@dataclass(frozen=True)
class WorkerFacts:
    """A running worker: its name, what its sandbox lacks with the reasons, what limits its memory.

    ``memory_limit`` is None for a worker of an earlier release.
    """

    name: str
    missing_layers: Mapping[str, str]
    memory_limit: MemoryLimit | None = None


_FACTS = TypeAdapter(WorkerFacts)


def worker_name(pid: int | None = None) -> str:
    """The name under which a process of this machine works; None means this process."""
    return f"{socket.gethostname()}:{os.getpid() if pid is None else pid}"


class WorkerRegistry:
    """The running workers and the number of dropped messages. Thread-safe."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    @classmethod
    def at(cls, redis_url: str) -> Self:
        """The registry with a connection of its own."""
        seconds = CONNECT_TIMEOUT_SECONDS
        url = client_url(redis_url)
        return cls(Redis.from_url(url, socket_connect_timeout=seconds, socket_timeout=seconds))

    def announce(self, facts: WorkerFacts) -> None:
        """Report for the next seconds that a worker runs; lost while Redis does not answer."""
        with suppress(RedisError, OSError):
            self._redis.set(
                _WORKERS_PREFIX + facts.name, json.dumps(asdict(facts)), ex=PRESENCE_SECONDS
            )

    def workers(self) -> list[WorkerFacts]:
        """The running workers by name; none while Redis does not answer."""
        with suppress(RedisError, OSError):
            keys = sorted(self._redis.scan_iter(f"{_WORKERS_PREFIX}*"))
            reports = self._redis.mget(keys) if keys else []
            return [facts for report in reports if (facts := _facts(report)) is not None]
        return []

    def count_dropped(self, kind: MessageKind, *, reason: str) -> None:
        """Log and count a malformed message that was dropped."""
        log.warning("dropped a malformed message", kind=kind.value, reason=reason[:200])
        with suppress(RedisError, OSError):
            self.with_own_keys(
                {_DROPPED_KEY: KeyType.HASH},
                lambda: self._redis.hincrby(_DROPPED_KEY, kind.value, 1),
            )

    def with_own_keys(self, types: Mapping[str, KeyType], call: Callable[[], T]) -> T:
        """What ``call`` returns. If a key holds data of another type, it is called again without it.

        Such data is somebody else's. It is moved to a key that starts with ``zoo:aside:`` for a week.

        Args:
            types: The keys that the call uses, each with the type that it should have.
        """
        try:
            return call()
        except (RedisError, KombuError) as error:
            self.require_own_keys(types, error)
        return call()

    def require_own_keys(self, types: Mapping[str, KeyType], error: Exception) -> None:
        """Move aside the keys with data of another type, which caused the error of a call.

        Raises:
            Exception: The error, if it has another cause.
        """
        if "WRONGTYPE" not in str(error):
            raise error
        for key, kind in types.items():
            self._move_aside(key, kind)

    def _move_aside(self, key: str, kind: KeyType) -> None:
        """Move a key that exists with another type."""
        aside = f"{_ASIDE_PREFIX}{key}:{time.time_ns()}"
        held: Any = self._redis.eval(_MOVE, 2, key, aside, kind.value, _ASIDE_SECONDS)
        if held is not None:
            reason = f"the key {key} held a {held.decode()}, no {kind}; it is now at {aside}"
            self.count_dropped(MessageKind.KEY, reason=reason)

    def dropped(self) -> dict[MessageKind, int]:
        """Number of dropped messages since Redis started; empty while it does not answer."""
        with suppress(RedisError, OSError, ValueError):
            counts = self._redis.hmget(_DROPPED_KEY, [kind.value for kind in MessageKind])
            return {kind: int(count or 0) for kind, count in zip(MessageKind, counts, strict=True)}
        return {}

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()


def _facts(report: bytes | str | None) -> WorkerFacts | None:
    """The facts in a report; None if it has expired or is malformed."""
    if report is None:
        return None
    try:
        return _FACTS.validate_json(report)
    except ValidationError:
        return None
