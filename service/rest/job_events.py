"""Waiting for events in a request, on the event loop."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from service import job_events
from service.job_events import EventListener

T = TypeVar("T")
LONGEST_WAIT_SECONDS = 60.0
NextEvent = Callable[[float], Awaitable[None]]


@contextlib.contextmanager
def next_events(listener: EventListener, topic: str) -> Iterator[NextEvent]:
    """A function that returns at the topic's next event since the last call, or after seconds."""
    event = asyncio.Event()

    async def next_event(seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), min(seconds, job_events.POLL_SECONDS))
        event.clear()

    wake = partial(asyncio.get_running_loop().call_soon_threadsafe, event.set)
    with listener.subscription(topic, wake):
        yield next_event


async def until(
    listener: EventListener, job_id: str, *, seconds: float, look: Callable[[], T | None]
) -> T | None:
    """What ``look`` returns, called again at each event of the job; None after ``seconds``."""
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    with next_events(listener, job_id) as next_event:
        while (result := await run_in_threadpool(look)) is None and clock() < end:
            await next_event(end - clock())
    return result


def seconds_in(prefer: str | None) -> float:
    """The seconds of a ``Prefer: wait=N`` header; 0 without one."""
    wait = re.search(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,4})", prefer or "")
    return min(float(wait.group(1)), LONGEST_WAIT_SECONDS) if wait else 0.0
