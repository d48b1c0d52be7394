"""Supervision of a job process: follow it, renew its lease, stop it when it must end.

This module never imports torch and uses the database only in short transactions.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from service.container import Zoo
from service.core.operations.jobs import lifecycle
from service.core.operations.jobs.lifecycle import LeaseStatus
from service.core.results.live import (
    DoneMessage,
    ErrorMessage,
    PhaseMessage,
    ProgressMessage,
    RunningMessage,
    live_message,
)
from service.core.tables import JobRecord
from workers.isolation.fork_client import Child, ForkServerClient

log = structlog.get_logger(__name__)

CHECK_SECONDS = 0.5
PROGRESS_SECONDS = 1.0
# Enough to write the checkpoint of a canceled training, even on a busy machine.
STOP_GRACE_SECONDS = 20.0
DATABASE_ERRORS = (OperationalError, InterfaceError, PoolTimeoutError)


class StopReason(StrEnum):
    """Why the worker ended a child."""

    CANCELLED = "cancelled"
    FENCED = "fenced"
    RELEASED = "released"
    EXPIRED = "expired"


@dataclass
class ChildResult:
    """How a child ended.

    Attributes:
        stop_reason: Why the worker ended the child; None when it ended by itself.
        final_message: The child's ``done`` or ``error`` message, if it sent one.
        phases: When each phase began, by the clock that the child claims to have read.
    """

    stop_reason: StopReason | None = None
    final_message: DoneMessage | ErrorMessage | None = None
    phases: dict[str, float] = field(default_factory=dict)


@dataclass
class Lease:
    """The claim on a job: renewed in time, lost when the database does not answer for too long."""

    zoo: Zoo
    job_id: str
    fence: int
    progress: dict[str, Any] | None = None
    _renewed: float = field(default_factory=time.monotonic)
    _checked: float = field(default_factory=time.monotonic)
    _progress_sent: float = -PROGRESS_SECONDS

    @classmethod
    def of(cls, zoo: Zoo, job: JobRecord) -> "Lease":
        """The lease of a job that was just claimed."""
        return cls(zoo, job.id, job.fence)

    def check(self) -> LeaseStatus:
        """The state of the lease; reads it from the database or renews it when that is due."""
        now = time.monotonic()
        settings = self.zoo.settings
        has_progress = self.progress is not None and now - self._progress_sent >= PROGRESS_SECONDS
        due = now - self._renewed >= min(settings.heartbeat_seconds, settings.lease_seconds / 3)
        if not (due or has_progress or now - self._checked >= CHECK_SECONDS):
            return LeaseStatus.HELD
        self._checked = now
        if has_progress:
            self._progress_sent = now
        try:
            return self._renew() if due or has_progress else self._read_status()
        except DATABASE_ERRORS:
            lost = now - self._renewed >= settings.lease_seconds
            return LeaseStatus.FENCED if lost else LeaseStatus.HELD

    def _renew(self) -> LeaseStatus:
        with self.zoo.transaction() as session:
            status = lifecycle.heartbeat(
                session,
                job_id=self.job_id,
                fence=self.fence,
                lease_seconds=self.zoo.settings.lease_seconds,
                progress=self.progress,
            )
        self.progress = None
        self._renewed = self._checked
        return status

    def _read_status(self) -> LeaseStatus:
        with self.zoo.transaction() as session:
            return lifecycle.lease_status(session, job_id=self.job_id, fence=self.fence)


def _ignored(message: dict[str, Any]) -> None:
    """No further use of the message."""


@contextmanager
def renewed(lease: Lease) -> Iterator[None]:
    """Renew the lease in the background while the worker stages inputs or stores outputs."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(CHECK_SECONDS):
            lease.check()

    thread = threading.Thread(target=renew, name=f"lease of {lease.job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def supervise(
    child: Child,
    lease: Lease,
    fork_server: ForkServerClient,
    *,
    seconds: float,
    stopping: Callable[[], bool],
    on_message: Callable[[dict[str, Any]], None] = _ignored,
) -> ChildResult:
    """Follow a child to its end.

    Args:
        seconds: The child is stopped after this long.
        stopping: Whether the worker must release its jobs now.
        on_message: Handles the messages that outlive the attempt: checkpoints and metrics.
    """
    result = ChildResult()
    deadline = time.monotonic() + seconds
    kill_at: float | None = None
    while not child.ended:
        for message in child.read_messages(0.1 if kill_at else CHECK_SECONDS):
            _record(message, result, lease)
            on_message(message)
        if result.stop_reason is None:
            result.stop_reason = _reason_to_stop(lease, deadline, stopping)
            if result.stop_reason is not None:
                kill_at = time.monotonic() + _grace_seconds(result.stop_reason)
                fork_server.signal(child, signal.SIGTERM)
        if kill_at is not None and time.monotonic() >= kill_at:
            fork_server.signal(child, signal.SIGKILL)
    return result


def _grace_seconds(stop: StopReason) -> float:
    """Seconds between SIGTERM and SIGKILL; a fenced child gets none."""
    return 0.0 if stop is StopReason.FENCED else STOP_GRACE_SECONDS


def _record(payload: dict[str, Any], result: ChildResult, lease: Lease) -> None:
    """Remember the progress or the final message; an invalid message is logged and ignored."""
    try:
        message = live_message(payload)
    except ValueError:
        log.warning("the child sent an invalid message", job=lease.job_id, fence=lease.fence)
        return
    match message:
        case ProgressMessage():
            lease.progress = message.model_dump(exclude={"kind"})
        case RunningMessage():
            log.info("child running", job=lease.job_id, fence=lease.fence)
        case PhaseMessage():
            result.phases.setdefault(message.phase, message.began)
        case DoneMessage() | ErrorMessage():
            result.final_message = message


def _reason_to_stop(
    lease: Lease, deadline: float, stopping: Callable[[], bool]
) -> StopReason | None:
    """Why the child must end now, if it must."""
    if time.monotonic() >= deadline:
        return StopReason.EXPIRED
    if stopping():
        return StopReason.RELEASED
    status = lease.check()
    if status is LeaseStatus.CANCEL:
        return StopReason.CANCELLED
    return StopReason.FENCED if status is LeaseStatus.FENCED else None
