"""How many calls may watch at once: each holds a thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from service.core.errors import UnavailableError


class Watchers:
    """Admits a number of calls that watch jobs or events, and refuses more."""

    def __init__(self, at_most: int) -> None:
        self._free = BoundedSemaphore(at_most)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Counts as a watcher inside. Raises UnavailableError when there are too many."""
        if not self._free.acquire(blocking=False):
            raise UnavailableError(
                "too many calls watch jobs or events here",
                code="too_many_watchers",
                remedy="poll with GetJob, or watch again later",
            )
        try:
            yield
        finally:
            self._free.release()
