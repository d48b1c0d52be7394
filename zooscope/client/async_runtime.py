"""Runs the calls of the client in threads, for programs with an event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")

# A call that waits for a job holds a thread while it waits.
_THREADS = 32
_END = object()


def _next(items: Iterator[Any]) -> Any:
    """The next item, or _END."""
    return next(items, _END)


class Runner:
    """The threads of one client. A cancelled call returns at once; its request still ends."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="zooscope")

    async def run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What the call returns, while the event loop goes on."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: call(*args, **kwargs))

    async def iterate(
        self, call: Callable[P, Iterator[R]], *args: P.args, **kwargs: P.kwargs
    ) -> AsyncIterator[R]:
        """The items that the call returns; each is fetched in a thread."""
        items = await self.run(call, *args, **kwargs)
        try:
            while (item := await self.run(_next, items)) is not _END:
                yield cast("R", item)
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                await self.run(close)

    def close(self) -> None:
        """Take no more calls; those that run end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class AsyncResource(Generic[S]):
    """A resource of the client whose methods are awaited."""

    def __init__(self, resource: S, runner: Runner) -> None:
        self._resource = resource
        self._runner = runner
