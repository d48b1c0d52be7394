"""Which jobs a worker may claim next: with several slots, long jobs never fill the last one."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from service.core.catalog import JobLane
from service.core.tables import JobRecord


@dataclass(frozen=True)
class ClaimedJob:
    """A job that this worker now runs, and the lane that it takes a slot of."""

    job: JobRecord
    lane: JobLane


class JobLanes:
    """Counts the long jobs that a worker runs. Thread-safe.

    A worker with one slot has none to reserve: there, short jobs do wait behind long ones.
    """

    def __init__(self, slots: int) -> None:
        self._lock = threading.Lock()
        self._long_slots = max(1, slots - 1)

    def claim(self, claim: Callable[[frozenset[JobLane]], ClaimedJob | None]) -> ClaimedJob | None:
        """The job that ``claim`` returns for the lanes that have a slot now."""
        # One at a time, so that two claims cannot both take the last slot for long jobs.
        with self._lock:
            claimed = claim(frozenset(JobLane) if self._long_slots else _SHORT_ONLY)
            if claimed is not None and claimed.lane is JobLane.LONG:
                self._long_slots -= 1
        return claimed

    def ended(self, claimed: ClaimedJob) -> None:
        """A claimed job runs no longer."""
        if claimed.lane is JobLane.LONG:
            with self._lock:
                self._long_slots += 1


_SHORT_ONLY = frozenset({JobLane.SHORT})
