"""Waiting for jobs without a busy loop: one listener per process hears when events are written."""

import asyncio
import contextlib
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

import psycopg
import structlog
from starlette.concurrency import run_in_threadpool

from service.container import Zoo, database_url
from service.core.operations.jobs.events import EVENTS_CHANNEL

T = TypeVar("T")
LONGEST_WAIT_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 2.0
_log = structlog.get_logger("zooscope.rest")


class EventListener:
    """Wakes whoever waits for a job's next event. Without a listener, waiting is polling."""

    def __init__(self, zoo: Zoo) -> None:
        self._address = database_url(zoo.settings).replace("+psycopg", "", 1)
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    async def listen(self) -> None:
        """Hear of events for as long as the process serves; begin again after a failure."""
        while True:
            try:
                await self._hear()
            except psycopg.Error as error:
                _log.warning("event_listener_lost", error=str(error))
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def _hear(self) -> None:
        connection = await psycopg.AsyncConnection.connect(self._address, autocommit=True)
        async with connection:
            await connection.execute(f"LISTEN {EVENTS_CHANNEL}")
            async for notice in connection.notifies():
                for event in self._waiting.get(notice.payload, ()):
                    event.set()

    @contextlib.contextmanager
    def subscription(self, job_id: str) -> Iterator["EventSubscription"]:
        """An ear for one job; open it before looking, so that nothing slips between."""
        event = asyncio.Event()
        self._waiting[job_id].add(event)
        try:
            yield EventSubscription(event)
        finally:
            self._waiting[job_id].discard(event)
            if not self._waiting[job_id]:
                del self._waiting[job_id]


class EventSubscription:
    """Hears that a job has something new."""

    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    async def hear(self, *, seconds: float) -> None:
        """Return at the next event since the last call, at the latest after ``seconds``."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), min(seconds, _LOOK_AGAIN_SECONDS))
        self._event.clear()


async def until(
    listener: EventListener, job_id: str, *, seconds: float, look: Callable[[], T | None]
) -> T | None:
    """What ``look`` finds, asked again at each event of the job; None after ``seconds``."""
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    with listener.subscription(job_id) as subscription:
        while (found := await run_in_threadpool(look)) is None:
            if clock() >= end:
                return None
            await subscription.hear(seconds=end - clock())
    return found


def seconds_in(prefer: str | None) -> float:
    """The seconds of a ``Prefer: wait=N`` header; 0 without one."""
    found = re.search(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,4})", prefer or "")
    return min(float(found.group(1)), LONGEST_WAIT_SECONDS) if found else 0.0


@contextlib.asynccontextmanager
async def listening(listener: EventListener) -> AsyncIterator[None]:
    """The bell, rung by the database while the block runs."""
    task = asyncio.create_task(listener.listen())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
