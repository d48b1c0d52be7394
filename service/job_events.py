"""Waiting for the next event of a job or a project without a busy loop; both APIs use it."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import structlog

from service.container import Zoo, database_limits, database_url
from service.core.operations import owned_rows
from service.core.operations.jobs import jobs
from service.core.operations.jobs.events import EVENTS_CHANNEL
from service.core.operations.project_events import PROJECT_EVENTS_CHANNEL
from service.core.tables import JobEventRecord, JobRecord
from service.database import connection_options

# Whoever waits looks again this often, so a notification that is lost costs only time.
POLL_SECONDS = 2.0
_EVENTS_AT_ONCE = 500
_IDLE_CHECK_SECONDS = 0.5
_log = structlog.get_logger("zooscope.job_events")


class EventListener:
    """Wakes everybody who waits for an event when the database notifies of one.

    A topic is the id of a job or the name of a project. Its thread and its connection live as long as somebody waits.
    """

    def __init__(self, zoo: Zoo) -> None:
        self._address = database_url(zoo.settings).replace("+psycopg", "", 1)
        self._options = connection_options(database_limits(zoo.settings))
        self._lock = threading.Lock()
        self._waiting: defaultdict[str, list[Callable[[], object]]] = defaultdict(list)
        self._running = False

    @contextmanager
    def subscription(self, topic: str, wake: Callable[[], object]) -> Iterator[None]:
        """Call ``wake``, in another thread, at every event of a topic while the block runs.

        Subscribe before looking for events, so that no event slips between.
        """
        with self._lock:
            self._waiting[topic].append(wake)
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="events", daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                self._waiting[topic].remove(wake)
                if not self._waiting[topic]:
                    del self._waiting[topic]

    def _run(self) -> None:
        wanted = True
        while wanted:
            try:
                wanted = self._listen()
            except psycopg.Error as error:
                _log.warning("event_listener_lost", error=str(error))
                time.sleep(POLL_SECONDS)
                wanted = self._is_wanted()

    def _listen(self) -> bool:
        """Pass notifications on until nobody waits; then False."""
        with psycopg.connect(self._address, autocommit=True, **self._options) as connection:
            for channel in (EVENTS_CHANNEL, PROJECT_EVENTS_CHANNEL):
                connection.execute(f"LISTEN {channel}")
            self._wake_all()  # What happened before is not notified.
            while self._is_wanted():
                for notification in connection.notifies(timeout=_IDLE_CHECK_SECONDS):
                    self._wake(notification.payload)
        return False

    def _is_wanted(self) -> bool:
        with self._lock:
            self._running = bool(self._waiting)
            return self._running

    def _wake(self, topic: str) -> None:
        with self._lock:
            for wake in self._waiting.get(topic, ()):
                wake()

    def _wake_all(self) -> None:
        with self._lock:
            for wakes in self._waiting.values():
                for wake in wakes:
                    wake()


def news(zoo: Zoo, *, project: str, job_id: str, seq: int) -> tuple[list[JobEventRecord], bool]:
    """The events of a job after ``seq``, and whether it has finished."""
    with zoo.transaction() as session:
        job = owned_rows.get(session, JobRecord, project=project, id=job_id)
        final = jobs.is_final(job)
        return list(
            jobs.events_after(session, job_id=job_id, seq=seq, limit=_EVENTS_AT_ONCE)
        ), final
