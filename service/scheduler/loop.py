"""The scheduler's loop: awake when a job is queued, and at least every few seconds."""

import math
import signal
import threading
import time
from dataclasses import dataclass, field

import psycopg
import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from service.adapters.job_notifier import CeleryJobNotifier
from service.container import Zoo, zoo_from
from service.core.errors import UnavailableError
from service.core.operations.jobs import reaper
from service.core.operations.jobs.events import QUEUED_CHANNEL
from service.logs import start_logging
from service.scheduler import expiry, garbage_collection
from service.settings import settings

log = structlog.get_logger(__name__)

FORGOTTEN_AFTER_SWEEPS = 6
MOST_UNANSWERED_RINGS = 16
SECONDS_BETWEEN_TRIES = 1.0
SECONDS_BETWEEN_TIDYING = 60.0
SECONDS_BETWEEN_COLLECTING = 3600.0
SHORTEST_PAUSE_SECONDS = 0.05
DATABASE_ERRORS = (OperationalError, InterfaceError, psycopg.OperationalError)


@dataclass
class Scheduler:
    """One scheduler: the zoo it serves and the bell it rings, if there is a broker."""

    zoo: Zoo
    notifier: CeleryJobNotifier | None
    stopping: threading.Event = field(default_factory=threading.Event)
    _tidied: float = -math.inf
    _collected: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Work until told to stop; a database that goes away is waited for."""
        while not self.stopping.is_set():
            try:
                with self._listening() as connection:
                    self._serve(connection)
            except DATABASE_ERRORS:
                log.warning("the database does not answer; trying again")
                self.stopping.wait(SECONDS_BETWEEN_TRIES)

    def _listening(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection that hears of queued jobs."""
        url = self.zoo.engine.url.set(drivername="postgresql")
        connection = psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
        connection.execute(f"LISTEN {QUEUED_CHANNEL}")
        return connection

    def _serve(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        """Sweep at once, then at every notice and at the end of every interval."""
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
        """Do everything that is due: take back, ring, and once a minute tidy.

        Returns:
            When to sweep again, on the monotonic clock.
        """
        with self.zoo.transaction() as session:
            reaped = reaper.reap(session)
        if reaped.requeued or reaped.ended:
            log.warning("took jobs back", requeued=reaped.requeued, ended=reaped.ended)
        self.announce()
        self._keep_house()
        return self._next_sweep()

    def _keep_house(self) -> None:
        """Tidy once a minute, and once an hour delete files that no row names."""
        now = time.monotonic()
        if now - self._tidied >= SECONDS_BETWEEN_TIDYING:
            self._tidied = now
            expiry.tidy(self.zoo)
        if now - self._collected >= SECONDS_BETWEEN_COLLECTING:
            self._collected = now
            garbage_collection.collect(self.zoo)

    def _next_sweep(self) -> float:
        """After the usual interval, or as soon as a lease runs out or a delayed job is due."""
        with self.zoo.transaction() as session:
            due = reaper.seconds_until_due(session)
        interval = self.zoo.settings.reaper_interval_seconds
        soon = interval if due is None else due + SHORTEST_PAUSE_SECONDS
        return time.monotonic() + min(interval, max(SHORTEST_PAUSE_SECONDS, soon))

    def announce(self) -> None:
        """Ring for claimable jobs nobody was told of, and for forgotten ones."""
        if self.notifier is None:
            return
        with self.zoo.transaction() as session:
            waiting = reaper.to_announce(
                session,
                forgotten_seconds=FORGOTTEN_AFTER_SWEEPS
                * self.zoo.settings.reaper_interval_seconds,
            )
        try:
            for queue in sorted({job.queue for job in waiting}):
                self._ring(self.notifier, queue, [job for job in waiting if job.queue == queue])
        except UnavailableError as error:
            log.warning(error.detail)

    def _ring(
        self, notifier: CeleryJobNotifier, queue: str, waiting: list[reaper.Waiting]
    ) -> None:
        """Ring for the jobs of one queue, while not many rings are unanswered yet.

        Who answers a ring works until no job is left, so a few are enough for any number of jobs;
        the others are rung for at a later sweep. Forgotten ones wait until it is quiet.
        """
        unanswered = notifier.unanswered(queue=queue)
        wanted = [job.id for job in waiting if unanswered == 0 or not job.forgotten]
        ids = wanted[: max(0, MOST_UNANSWERED_RINGS - unanswered)]
        if not ids:
            return
        # Marked before, because a marking in progress would hide the row from a quick worker.
        with self.zoo.transaction() as session:
            reaper.mark_announced(session, ids)
        try:
            notifier.ring(ids, queue=queue)
        except UnavailableError:
            with self.zoo.transaction() as session:
                reaper.mark_unannounced(session, ids)
            raise


def main() -> None:
    """Run a scheduler until SIGTERM or SIGINT."""
    chosen = settings()
    start_logging(chosen)
    zoo = zoo_from(chosen, connections=2)
    url = chosen.redis_url
    scheduler = Scheduler(zoo, None if url is None else CeleryJobNotifier(url.get_secret_value()))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: scheduler.stopping.set())
    log.info("scheduler ready")
    scheduler.run()
    zoo.close()
