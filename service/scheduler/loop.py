"""The scheduler's loop: it wakes when a job is queued, and at least every few seconds."""

import math
import signal
import threading
import time
from dataclasses import dataclass, field

import psycopg
import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from service.adapters.job_notifier import CeleryJobNotifier
from service.container import Zoo, database_limits, zoo_from
from service.core.errors import UnavailableError
from service.core.operations.jobs import reaper
from service.core.operations.jobs.events import QUEUED_CHANNEL
from service.core.private_files import create_private_files
from service.database import connection_options
from service.logs import start_logging
from service.scheduler import expiry, garbage_collection
from service.settings import settings
from service.stop_signals import call_on_signals

log = structlog.get_logger(__name__)

LOST_AFTER_SWEEPS = 6
MAX_PENDING_NOTIFICATIONS = 16
RETRY_SECONDS = 1.0
EXPIRY_INTERVAL_SECONDS = 60.0
COLLECTION_INTERVAL_SECONDS = 3600.0
SHORTEST_PAUSE_SECONDS = 0.05
DATABASE_ERRORS = (OperationalError, InterfaceError, psycopg.OperationalError)


@dataclass
class Scheduler:
    """One scheduler: the zoo it serves and its job notifier, if a broker is configured."""

    zoo: Zoo
    notifier: CeleryJobNotifier | None
    stopping: threading.Event = field(default_factory=threading.Event)
    _expired_at: float = -math.inf
    _collected_at: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Run until ``stopping`` is set; reconnect when the database goes away."""
        while not self.stopping.is_set():
            try:
                with self._listening() as connection:
                    self._serve(connection)
            except DATABASE_ERRORS:
                log.warning("the database does not answer; retrying")
                self.stopping.wait(RETRY_SECONDS)

    def _listening(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection that receives notifications of queued jobs."""
        url = self.zoo.engine.url.set(drivername="postgresql")
        connection = psycopg.connect(
            url.render_as_string(hide_password=False),
            autocommit=True,
            **connection_options(database_limits(self.zoo.settings)),
        )
        connection.execute(f"LISTEN {QUEUED_CHANNEL}")
        return connection

    def _serve(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        """Sweep now, then after every notification and at the end of every interval."""
        next_sweep = self.sweep()
        while not self.stopping.is_set():
            pause = min(1.0, max(0.0, next_sweep - time.monotonic()))
            noticed = False
            for _ in connection.notifies(timeout=pause, stop_after=1):
                noticed = True
            if noticed:
                self.announce()
                next_sweep = min(next_sweep, self._next_sweep())
            if time.monotonic() >= next_sweep:
                next_sweep = self.sweep()

    def sweep(self) -> float:
        """Do everything that is due: reclaim lost jobs, notify workers, run maintenance.

        Returns:
            Time of the next sweep on the monotonic clock.
        """
        with self.zoo.transaction() as session:
            reaped = reaper.reap(session)
        if reaped.requeued or reaped.ended:
            log.warning("reclaimed jobs", requeued=reaped.requeued, ended=reaped.ended)
        self.announce()
        self._run_maintenance()
        return self._next_sweep()

    def _run_maintenance(self) -> None:
        """Remove expired data once a minute; collect garbage once an hour."""
        now = time.monotonic()
        if now - self._expired_at >= EXPIRY_INTERVAL_SECONDS:
            self._expired_at = now
            expiry.remove_expired(self.zoo)
        if now - self._collected_at >= COLLECTION_INTERVAL_SECONDS:
            self._collected_at = now
            garbage_collection.collect(self.zoo)

    def _next_sweep(self) -> float:
        """After the usual interval, or when a lease expires or a delayed job is due."""
        with self.zoo.transaction() as session:
            due = reaper.seconds_until_due(session)
        interval = self.zoo.settings.reaper_interval_seconds
        soon = interval if due is None else due + SHORTEST_PAUSE_SECONDS
        return time.monotonic() + min(interval, max(SHORTEST_PAUSE_SECONDS, soon))

    def announce(self) -> None:
        """Notify workers of claimable jobs that are new, and of those whose notification was lost."""
        if self.notifier is None:
            return
        with self.zoo.transaction() as session:
            waiting = reaper.to_announce(
                session,
                forgotten_seconds=LOST_AFTER_SWEEPS * self.zoo.settings.reaper_interval_seconds,
            )
        try:
            for queue in sorted({job.queue for job in waiting}):
                self._notify(self.notifier, queue, [job for job in waiting if job.queue == queue])
        except UnavailableError as error:
            log.warning(error.detail)

    def _notify(
        self, notifier: CeleryJobNotifier, queue: str, waiting: list[reaper.Waiting]
    ) -> None:
        """Notify workers of the jobs of one queue, unless many notifications are still pending.

        A notified worker works until no job is left, so a few notifications are enough for any
        number of jobs; later sweeps announce the others. Jobs whose notification was lost wait
        until none is pending.
        """
        pending = notifier.pending(queue=queue)
        eligible = [job.id for job in waiting if pending == 0 or not job.forgotten]
        ids = eligible[: max(0, MAX_PENDING_NOTIFICATIONS - pending)]
        if not ids:
            return
        # Mark before notifying: an update in progress would hide the row from a fast worker.
        with self.zoo.transaction() as session:
            reaper.mark_announced(session, ids)
        try:
            notifier.notify(ids, queue=queue)
        except UnavailableError:
            with self.zoo.transaction() as session:
                reaper.mark_unannounced(session, ids)
            raise


def main() -> None:
    """Run a scheduler until SIGTERM or SIGINT."""
    config = settings()
    create_private_files()
    start_logging(config)
    zoo = zoo_from(config, connections=2)
    url = config.redis_url
    scheduler = Scheduler(zoo, None if url is None else CeleryJobNotifier(url.get_secret_value()))
    call_on_signals(scheduler.stopping.set, signal.SIGTERM, signal.SIGINT)
    log.info("scheduler ready")
    scheduler.run()
    zoo.close()
