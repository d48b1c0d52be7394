"""How many calls each address has under way: a call holds a thread, and one address not all."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from service.core.errors import RateLimitedError


class CallsByAddress:
    """Counts the calls under way, at most ``most`` for each address."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()

    @contextmanager
    def counted(self, address: str) -> Iterator[None]:
        """Inside, a call from this address is under way. Raises RateLimitedError: ``too_many_calls``."""
        with self._lock:
            if self._calls[address] >= self._most:
                raise RateLimitedError(
                    f"{address} has {self._most} calls under way",
                    code="too_many_calls",
                    remedy="wait until one ends; see ZOO_MAX_CALLS_PER_ADDRESS",
                )
            self._calls[address] += 1
        try:
            yield
        finally:
            with self._lock:
                self._calls[address] -= 1
                if not self._calls[address]:
                    del self._calls[address]
