"""Records what no transaction recorded: downloads, refusals, and writes that changed nothing.

Calls wait in a bounded queue for a thread that writes them. A full queue, or a database that is
away for longer than a minute, loses calls; they are counted, and the log gets a row that says how
many it lacks. Equal refusals of one address share rows, so that a flood cannot fill the log.
"""

import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace

import structlog
from sqlalchemy.exc import SQLAlchemyError

from service.container import Zoo
from service.core.client_addresses import limited_address
from service.core.operations.access import audit
from service.core.operations.access.audit import AuditEvent
from service.core.operations.access.audited_calls import AuditedCall

MOST_WAITING = 10_000
ROWS_AT_ONCE = 500
BURST_SECONDS = 60.0
ROWS_PER_BURST = 10
MOST_BURSTS = 1024
LOST = "audit.lost"
_GIVE_UP_SECONDS = 60.0
_RETRY_SECONDS = 1.0
_TICK_SECONDS = 0.25
_log = structlog.get_logger("zooscope.audit")


@dataclass
class _Burst:
    """Refusals with one code from one address since a time; ``more`` are not rows of their own."""

    since: float
    rows: int = 0
    more: int = 0
    last: AuditEvent | None = None


@dataclass
class AuditTrail:
    """The queue and the writer of one process. Thread-safe; ``add`` never waits.

    The thread lives as long as something waits; the process ends only after it has tried to write.

    Attributes:
        lost: Number of calls that the log lacks.
    """

    zoo: Zoo
    burst_seconds: float = BURST_SECONDS
    most_waiting: int = MOST_WAITING
    lost: int = 0
    _lost_events: AuditEvent | None = None
    _waiting: deque[tuple[float, AuditEvent]] = field(default_factory=deque)
    _bursts: dict[tuple[str | None, str], _Burst] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _running: bool = False

    def add(self, call: AuditedCall) -> None:
        """Record a call that has ended, if the log needs it and lacks it."""
        if not call.noteworthy:
            return
        event = call.event()
        with self._changed:
            if event.code is None or not self._repeats(event, event.code):
                self._append(event)
            self._start()

    def _repeats(self, event: AuditEvent, code: str) -> bool:
        """Whether the refusal only adds to the count of its burst."""
        key = (event.address and limited_address(event.address), code)
        if key not in self._bursts and len(self._bursts) >= MOST_BURSTS:
            key, event = (None, code), replace(event, address=None)
        burst = self._bursts.setdefault(key, _Burst(time.monotonic()))
        if burst.rows < ROWS_PER_BURST:
            burst.rows += 1
            return False
        burst.more += 1
        burst.last = event
        return True

    def _append(self, event: AuditEvent) -> None:
        if len(self._waiting) >= self.most_waiting:
            self._lose([event])
        else:
            self._waiting.append((time.monotonic(), event))

    def _lose(self, events: list[AuditEvent]) -> None:
        """Count events that are not going to be written."""
        missing = sum(event.count for event in events)
        self.lost += missing
        earlier = 0 if self._lost_events is None else self._lost_events.count
        self._lost_events = AuditEvent(
            api=events[-1].api, action=LOST, code="overflow", count=earlier + missing
        )

    def _start(self) -> None:
        self._changed.notify()
        if not self._running:
            self._running = True
            threading.Thread(target=self._run, name="audit", daemon=False).start()

    def _run(self) -> None:
        while (batch := self._take()) is not None:
            if batch:
                self._write(batch)

    def _take(self) -> list[tuple[float, AuditEvent]] | None:
        """What waits, at most ``ROWS_AT_ONCE``; empty while only bursts are open, None at the end."""
        with self._changed:
            self._close_bursts()
            if self._waiting:
                size = min(ROWS_AT_ONCE, len(self._waiting))
                return [self._waiting.popleft() for _ in range(size)]
            if self._bursts:
                self._changed.wait(_TICK_SECONDS)
                return []
            self._running = False
            return None

    def _close_bursts(self) -> None:
        """End the bursts that are over; the refusals without a row of their own become one."""
        newest = time.monotonic() - self.burst_seconds
        over = [key for key, burst in self._bursts.items() if _ending() or burst.since < newest]
        for burst in map(self._bursts.pop, over):
            if burst.last is not None:
                self._append(replace(burst.last, count=burst.more))

    def _write(self, batch: list[tuple[float, AuditEvent]]) -> None:
        """Write a batch; try again while the database is away, but not for ever."""
        give_up_at = time.monotonic() + _GIVE_UP_SECONDS
        while True:
            try:
                return self._write_now(batch)
            except SQLAlchemyError as error:
                if _ending() or time.monotonic() >= give_up_at:
                    _log.error("audit_events_lost", events=len(batch), error=str(error)[:300])
                    with self._changed:
                        self._lose([event for _, event in batch])
                    return None
            time.sleep(_RETRY_SECONDS)

    def _write_now(self, batch: list[tuple[float, AuditEvent]]) -> None:
        with self._changed:
            missing = self._lost_events
        events = [event for _, event in batch] + ([] if missing is None else [missing])
        now = time.monotonic()
        ages = [now - since for since, _ in batch] + ([] if missing is None else [0.0])
        with self.zoo.transaction() as session:
            audit.write(session, events, ages=ages)
        if missing is not None:
            self._forget(missing)

    def _forget(self, written: AuditEvent) -> None:
        """Count the lost events whose number the log now has no longer."""
        with self._changed:
            assert self._lost_events is not None
            left = self._lost_events.count - written.count
            self._lost_events = replace(self._lost_events, count=left) if left else None


def _ending() -> bool:
    """Whether the process is about to end."""
    return not threading.main_thread().is_alive()
