"""What a worker knows of its machine: whether there is room for jobs, and which failures are its own.

A job that fails while a disk is full or memory is short says nothing about its inputs, whatever
error it reports: it waits, and is tried again.
"""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import structlog

from service.container import Zoo
from service.core.errors import StorageFullError, UnavailableError
from service.core.machine_faults import MACHINE_FAULT, storage_full
from service.core.operations.jobs.lifecycle import AttemptStatus, Outcome
from service.core.staging import DiskGuard

log = structlog.get_logger(__name__)

# With less free space than this, no job could write its result.
FULL_BYTES = 1024**2
# Memory that is short without the job, whose process has ended.
SHORT_MEMORY_SHARE = 0.05
OUT_OF_MEMORY = "out_of_memory"


@dataclass
class Machine:
    """The disks and the memory that jobs use."""

    guard: DiskGuard
    scratch: Path
    _full: bool = False

    @classmethod
    def of(cls, zoo: Zoo) -> "Machine":
        """The machine of a worker of this zoo."""
        return cls(zoo.disk_guard(zoo.scratch), zoo.scratch)

    def has_room(self) -> bool:
        """Whether the disks have room for another job."""
        was_full, self._full = self._full, False
        try:
            self.guard.require_space()
        except StorageFullError as error:
            self._full = True
            if not was_full:
                log.warning("jobs wait until the disk has space", reason=error.detail)
        if was_full and not self._full:
            log.info("the disk has space; jobs resume")
        return not self._full

    def judged(self, outcome: Outcome) -> Outcome:
        """The outcome of a child's attempt; it waits if the machine is what failed."""
        if outcome.status not in (AttemptStatus.LOST, AttemptStatus.FAILED):
            return outcome
        fault = self._fault(outcome)
        if fault is None:
            return outcome
        log.warning("the machine failed a job, which waits", fault=fault.detail, job=outcome.error)
        details = {"code": fault.code, "detail": fault.detail, "remedy": fault.remedy}
        return replace(outcome, status=AttemptStatus.WAITING, error=details)

    def _fault(self, outcome: Outcome) -> UnavailableError | None:
        """What is wrong with the machine, if anything."""
        if shutil.disk_usage(self.scratch).free < FULL_BYTES:
            return storage_full(f"there is no space left below {self.scratch}")
        memory = psutil.virtual_memory()
        short = memory.available < SHORT_MEMORY_SHARE * memory.total
        if short and (outcome.error or {}).get("code") == OUT_OF_MEMORY:
            return UnavailableError(
                "other processes use the memory of the machine",
                code=MACHINE_FAULT,
                remedy="free memory, or run fewer jobs at once (ZOO_WORKER_CONCURRENCY)",
            )
        return None
