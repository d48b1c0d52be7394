"""Counts within a time window, shared through Redis by all processes that serve a zoo.

While Redis does not answer, each process counts on its own, so that a limit still holds per process:
requests are neither all refused nor all let through.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from service.adapters.redis_address import client_url

_TIMEOUT_SECONDS = 0.5
_PAUSE_SECONDS = 2.0
_MOST_LOCAL_WINDOWS = 65_536
# A window starts with its first count. Counting and starting it are one step.
_ADD = """
local number = redis.call('INCR', KEYS[1])
if number == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {number, redis.call('PTTL', KEYS[1]), redis.call('EXISTS', KEYS[2])}
"""
_READ = """
local number = tonumber(redis.call('GET', KEYS[1]) or '0')
if not number then return redis.error_reply('ERR value is not a number') end
return {number, redis.call('PTTL', KEYS[1])}
"""
# Words of Redis about a key that somebody else has written.
_NO_COUNT = ("WRONGTYPE", "value is not a")
_log = structlog.get_logger("zooscope.request_counts")


@dataclass(frozen=True)
class Count:
    """How often something happened in the current window, and when the window ends.

    ``marked`` says whether the marker that was asked for has a window of its own.
    """

    number: int
    seconds_left: float
    marked: bool = False


class Counts(Protocol):
    """Counts by name."""

    def add(self, name: str, *, seconds: float, marker: str = "") -> Count:
        """The count after adding 1; the first count starts a window of ``seconds``."""

    def read(self, name: str) -> Count:
        """The count as it is."""


class RedisCounts:
    """Counts in Redis, of all processes. Thread-safe; raises RedisError or OSError."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis.from_url(
            client_url(redis_url),
            socket_connect_timeout=_TIMEOUT_SECONDS,
            socket_timeout=_TIMEOUT_SECONDS,
            # A connection from before a restart of Redis fails once.
            retry=Retry(NoBackoff(), 1),
        )

    def add(self, name: str, *, seconds: float, marker: str = "") -> Count:
        """The count after adding 1; the first count starts a window of ``seconds``."""
        keys = _redis_key(name), _redis_key(marker)
        answer = self._count(lambda: self._redis.eval(_ADD, 2, *keys, round(1000 * seconds)), name)
        return Count(int(answer[0]), max(0, int(answer[1])) / 1000, marked=bool(answer[2]))

    def read(self, name: str) -> Count:
        """The count as it is."""
        answer = self._count(lambda: self._redis.eval(_READ, 1, _redis_key(name)), name)
        return Count(int(answer[0]), max(0, int(answer[1])) / 1000)

    def _count(self, script: Callable[[], Any], name: str) -> Any:
        """What a script returns; it starts from 0 if the key holds something that is no count."""
        try:
            return script()
        except ResponseError as error:
            if not any(words in str(error) for words in _NO_COUNT):
                raise
            _log.warning("no_count_deleted", key=_redis_key(name), error=str(error))
            self._redis.delete(_redis_key(name))
            return script()


class LocalCounts:
    """Counts of this process alone. Thread-safe."""

    def __init__(self, *, size: int = _MOST_LOCAL_WINDOWS) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[int, float]] = {}

    def add(self, name: str, *, seconds: float, marker: str = "") -> Count:
        """The count after adding 1; the first count starts a window of ``seconds``."""
        with self._lock:
            current = self._current(name)
            ends = time.monotonic() + (current.seconds_left if current.number else seconds)
            if len(self._windows) >= self._size:
                self._remove_ended()
            self._windows[name] = (current.number + 1, ends)
            marked = self._current(marker).number > 0
        return Count(current.number + 1, ends - time.monotonic(), marked=marked)

    def read(self, name: str) -> Count:
        """The count as it is."""
        with self._lock:
            return self._current(name)

    def _current(self, name: str) -> Count:
        number, ends = self._windows.get(name, (0, 0.0))
        left = ends - time.monotonic()
        return Count(number, left) if left > 0 else Count(0, 0.0)

    def _remove_ended(self) -> None:
        """Make space: remove the windows that have ended, or all if none has."""
        now = time.monotonic()
        self._windows = {name: window for name, window in self._windows.items() if window[1] > now}
        if len(self._windows) >= self._size:
            self._windows.clear()


class SharedCounts:
    """Counts in Redis; those of this process alone while Redis does not answer. Thread-safe."""

    def __init__(self, redis_url: str | None) -> None:
        self._redis = None if redis_url is None else RedisCounts(redis_url)
        self._local = LocalCounts()
        self._resume_at = 0.0

    def add(self, name: str, *, seconds: float, marker: str = "") -> Count:
        """The count after adding 1; the first count starts a window of ``seconds``."""
        return self._ask(lambda counts: counts.add(name, seconds=seconds, marker=marker))

    def read(self, name: str) -> Count:
        """The count as it is."""
        return self._ask(lambda counts: counts.read(name))

    def _ask(self, question: Callable[[Counts], Count]) -> Count:
        if self._redis is None or time.monotonic() < self._resume_at:
            return question(self._local)
        try:
            return question(self._redis)
        except (RedisError, OSError) as error:
            # Later requests need not wait for the same timeout.
            self._resume_at = time.monotonic() + _PAUSE_SECONDS
            _log.warning("counts_are_local", error=str(error))
            return question(self._local)


def _redis_key(name: str) -> str:
    return f"zoo:count:{name}"
