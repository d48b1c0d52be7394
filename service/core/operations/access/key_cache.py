"""Cache of recent callers, so that not every request reads its key from the database."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from service.core.operations.access.keys import Caller

_SECONDS = 5.0
_SIZE = 1024


class KeyCache:
    """Callers by the digest of their token; a revoked key stays valid for up to ``seconds``."""

    def __init__(self, *, seconds: float = _SECONDS, size: int = _SIZE) -> None:
        self._seconds = seconds
        self._size = size
        self._lock = threading.Lock()
        self._entries: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    def cached(self, token: str) -> Caller | None:
        """The caller with this token, if it is cached."""
        entry = self._entries.get(_key(token))
        if entry is None or entry[0] < time.monotonic():
            return None
        return entry[1]

    def caller(self, token: str, look_up: Callable[[str], Caller]) -> Caller:
        """The caller with this token, looked up if it is not cached."""
        caller = self.cached(token)
        return caller if caller is not None else self._store(token, look_up(token))

    def clear(self) -> None:
        """Remove all callers, as after a revocation."""
        with self._lock:
            self._entries.clear()

    def _store(self, token: str, caller: Caller) -> Caller:
        with self._lock:
            self._entries[_key(token)] = (time.monotonic() + self._seconds, caller)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)
        return caller


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
