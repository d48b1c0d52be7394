"""One child's life as seen from outside: watched, kept in its lease, stopped when it must be.

The supervisor never imports torch and touches the database only in short transactions.
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
    ProgressMessage,
    RunningMessage,
    live_message,
)
from service.core.tables import JobRecord
from workers.isolation.fork_client import Child, ForkServerClient

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.5
PROGRESS_SECONDS = 1.0
# Time to write the checkpoint that a cancelled training keeps, on a busy machine too.
SECONDS_TO_STOP = 20.0
DATABASE_ERRORS = (OperationalError, InterfaceError, PoolTimeoutError)


class StopReason(StrEnum):
    """Why a supervisor ended its child."""

    CANCELLED = "cancelled"
    FENCED = "fenced"
    RELEASED = "released"
    EXPIRED = "expired"


@dataclass
class ChildResult:
    """What a supervisor knows at the end.

    Attributes:
        stopped: Why the supervisor ended the child; None when it ended by itself.
        last: The child's ``done`` or ``error`` message, if it came so far.
    """

    stopped: StopReason | None = None
    last: DoneMessage | ErrorMessage | None = None


@dataclass
class Lease:
    """The hold on a job: renewed in time, and lost after too long a silence of the database."""

    zoo: Zoo
    job_id: str
    fence: int
    progress: dict[str, Any] | None = None
    _renewed: float = field(default_factory=time.monotonic)
    _looked: float = field(default_factory=time.monotonic)
    _told: float = -PROGRESS_SECONDS

    @classmethod
    def of(cls, zoo: Zoo, job: JobRecord) -> "Lease":
        """The lease that a claim began."""
        return cls(zoo, job.id, job.fence)

    def look(self) -> LeaseStatus:
        """Whether to go on; asks the database when it is time to, renews when that is due."""
        now = time.monotonic()
        settings = self.zoo.settings
        news = self.progress is not None and now - self._told >= PROGRESS_SECONDS
        due = now - self._renewed >= min(settings.heartbeat_seconds, settings.lease_seconds / 3)
        if not (due or news or now - self._looked >= LOOK_SECONDS):
            return LeaseStatus.HELD
        self._looked = now
        if news:
            self._told = now
        try:
            return self._renew() if due or news else self._ask()
        except DATABASE_ERRORS:
            lost = now - self._renewed >= settings.lease_seconds
            return LeaseStatus.FENCED if lost else LeaseStatus.HELD

    def _renew(self) -> LeaseStatus:
        with self.zoo.transaction() as session:
            verdict = lifecycle.heartbeat(
                session,
                job_id=self.job_id,
                fence=self.fence,
                lease_seconds=self.zoo.settings.lease_seconds,
                progress=self.progress,
            )
        self.progress = None
        self._renewed = self._looked
        return verdict

    def _ask(self) -> LeaseStatus:
        with self.zoo.transaction() as session:
            return lifecycle.lease_status(session, job_id=self.job_id, fence=self.fence)


def _ignored(message: dict[str, Any]) -> None:
    """Nobody wants to hear more."""


@contextmanager
def kept(lease: Lease) -> Iterator[None]:
    """Renew the lease beside long work of the worker itself: laying out files, storing them."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(LOOK_SECONDS):
            lease.look()

    keeper = threading.Thread(target=renew, name=f"lease of {lease.job_id}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()


def watch(
    child: Child,
    lease: Lease,
    fork_server: ForkServerClient,
    *,
    stopping: Callable[[], bool],
    hear: Callable[[dict[str, Any]], None] = _ignored,
) -> ChildResult:
    """Follow a child to its end.

    Args:
        stopping: Whether the worker must give its jobs back now.
        hear: What to do with news that outlive the attempt: checkpoints and metrics.
    """
    seen = ChildResult()
    deadline = time.monotonic() + lease.zoo.settings.job_timeout_seconds
    kill_at: float | None = None
    while not child.ended:
        for message in child.listen(0.1 if kill_at else LOOK_SECONDS):
            _note(message, seen, lease)
            hear(message)
        if seen.stopped is None:
            seen.stopped = _reason_to_stop(lease, deadline, stopping)
            if seen.stopped is not None:
                kill_at = time.monotonic() + _patience(seen.stopped)
                fork_server.signal(child, signal.SIGTERM)
        if kill_at is not None and time.monotonic() >= kill_at:
            fork_server.signal(child, signal.SIGKILL)
    return seen


def _patience(stop: StopReason) -> float:
    """Seconds between the polite and the final signal; a fenced child gets none."""
    return 0.0 if stop is StopReason.FENCED else SECONDS_TO_STOP


def _note(payload: dict[str, Any], seen: ChildResult, lease: Lease) -> None:
    """Remember what a message says; one that is not valid is logged and ignored."""
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
        case DoneMessage() | ErrorMessage():
            seen.last = message


def _reason_to_stop(
    lease: Lease, deadline: float, stopping: Callable[[], bool]
) -> StopReason | None:
    """Why the child must end now, if it must."""
    if time.monotonic() >= deadline:
        return StopReason.EXPIRED
    if stopping():
        return StopReason.RELEASED
    verdict = lease.look()
    if verdict is LeaseStatus.CANCEL:
        return StopReason.CANCELLED
    return StopReason.FENCED if verdict is LeaseStatus.FENCED else None
