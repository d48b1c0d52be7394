"""The jobs of a run: short, dependent, cancelled and endless ones, at most a few at a time."""

import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import httpx
import psutil
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError

from service.core.errors import ZooError
from service.core.operations.jobs.jobs import ACTIVE_STATES
from service.core.tables import FINAL_STATES, JobRecord, JobState
from tests.chaos.cluster import Chaos
from tests.jobs.cluster import ENDLESS
from workers.isolation.sandbox import process_name

MOST_ACTIVE = 8
TRIES = 20
CANCEL_SHARE = 0.08
ATTEMPTS = (3, 10)

Value = TypeVar("Value")


@dataclass
class Workload:
    """Keeps a few jobs active; endless ones end by being cancelled."""

    chaos: Chaos
    numbers: random.Random

    def step(self) -> None:
        """Submit a job while few are active, and now and then cancel a job."""
        active = self.active_ids()
        if len(active) < MOST_ACTIVE:
            self._submit(active)
        if active and self.numbers.random() < CANCEL_SHARE:
            self.cancel(self.numbers.choice(sorted(active)))

    def _submit(self, active: list[str]) -> None:
        """Submit a short job, one that depends on an active one, or an endless one."""
        kind = self.numbers.choices(("short", "dependent", "endless"), (12, 3, 1))[0]
        changes = {"max_attempts": self.numbers.choice(ATTEMPTS)}
        cluster = self.chaos.cluster
        match kind:
            case "endless" if not self._endless_ids():
                self._asked(lambda: cluster.submit_endless(**changes))
            case "dependent" if active:
                first = self.numbers.choice(sorted(active))
                self._asked(lambda: cluster.submit(depends_on=[first], **changes))
            case _:
                seconds = self.numbers.uniform(0.05, 1.0)
                self._asked(lambda: cluster.submit(seconds=seconds, **changes))

    def cancel(self, job_id: str) -> None:
        """Cancel over REST as a client would; without an API, in the database."""
        with contextlib.suppress(httpx.TransportError):
            if self.chaos.client.post(f"/v1/jobs/{job_id}:cancel").status_code < 500:
                return
        with contextlib.suppress(ZooError):  # it may have ended meanwhile
            self._asked(lambda: self.chaos.cluster.cancel(job_id))

    def cancel_endless(self) -> None:
        """Cancel every job that would not end by itself."""
        for job_id in self._endless_ids():
            self.cancel(job_id)

    def end_delays(self) -> None:
        """Have the jobs that wait for another attempt wait no longer."""

        def write() -> None:
            now = func.clock_timestamp()
            delayed = (JobRecord.state == JobState.QUEUED, JobRecord.available_at > now)
            with self.chaos.cluster.zoo.transaction() as session:
                session.execute(update(JobRecord).where(*delayed).values(available_at=now))

        self._asked(write)

    def active_ids(self) -> list[str]:
        """The queued and running jobs."""
        return self._ids(JobRecord.state.in_(ACTIVE_STATES))

    def final_ids(self) -> list[str]:
        """The jobs that have ended."""
        return self._ids(JobRecord.state.in_(FINAL_STATES))

    def all_ids(self) -> list[str]:
        """Every job."""
        return self._ids(JobRecord.id.is_not(None))

    def _endless_ids(self) -> list[str]:
        endless = JobRecord.params["steps"].as_integer() == ENDLESS["steps"]
        return self._ids(JobRecord.state.in_(ACTIVE_STATES), endless)

    def children(self) -> dict[str, psutil.Process]:
        """Running job processes by job id."""
        ids = {process_name(job_id): job_id for job_id in self.all_ids()}
        return {
            ids[process.info["name"]]: process
            for process in psutil.process_iter(["name", "status"])
            if process.info["name"] in ids and process.info["status"] != psutil.STATUS_ZOMBIE
        }

    def _ids(self, *conditions: object) -> list[str]:
        def read() -> list[str]:
            with self.chaos.cluster.zoo.transaction() as session:
                return list(session.scalars(select(JobRecord.id).where(*conditions)))

        return self._asked(read)

    def _asked(self, question: Callable[[], Value]) -> Value:
        """The database's answer; the connections of one that was restarted fail first."""
        for _ in range(TRIES):
            with contextlib.suppress(DBAPIError):
                return question()
            self.chaos.cluster.zoo.engine.dispose()
        return question()
