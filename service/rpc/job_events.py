"""Waiting for a job's next event: one listener hears what the database calls out."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import structlog

from service.core.operations.jobs.events import EVENTS_CHANNEL

_LOOK_AGAIN_SECONDS = 2.0
_log = structlog.get_logger("zooscope.rpc")


class EventListener:
    """Wakes whoever waits for a job's next event. Without a listener, waiting is polling.

    The listening thread and its connection live as long as somebody waits.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._waiting: defaultdict[str, set[EventSubscription]] = defaultdict(set)
        self._listening = False

    @contextmanager
    def subscription(self, job_id: str) -> Iterator["EventSubscription"]:
        """An ear for one job; open it before looking, so that nothing slips between."""
        subscription = EventSubscription()
        with self._lock:
            self._waiting[job_id].add(subscription)
            self._begin_to_listen()
        try:
            yield subscription
        finally:
            with self._lock:
                self._waiting[job_id].discard(subscription)
                if not self._waiting[job_id]:
                    del self._waiting[job_id]

    def _begin_to_listen(self) -> None:
        if not self._listening:
            self._listening = True
            threading.Thread(target=self._listen, name="events", daemon=True).start()

    def _listen(self) -> None:
        """Hear for as long as anybody waits; a lost connection is left to the next ear."""
        try:
            with psycopg.connect(self._address, autocommit=True) as connection:
                connection.execute(f"LISTEN {EVENTS_CHANNEL}")
                while self._is_wanted():
                    for notice in connection.notifies(timeout=_LOOK_AGAIN_SECONDS / 4):
                        self._ring(notice.payload)
        except psycopg.Error as error:
            _log.warning("event_listener_lost", error=str(error))
            with self._lock:
                self._listening = False

    def _is_wanted(self) -> bool:
        with self._lock:
            self._listening = bool(self._waiting)
            return self._listening

    def _ring(self, job_id: str) -> None:
        with self._lock:
            for subscription in self._waiting.get(job_id, ()):
                subscription.wake()


class EventSubscription:
    """Hears that a job has something new, or that nobody waits for it any more."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def wake(self) -> None:
        """End the present or the next wait."""
        self._event.set()

    def hear(self) -> None:
        """Return at the next event since the last call, at the latest after a few seconds."""
        self._event.wait(_LOOK_AGAIN_SECONDS)
        self._event.clear()
