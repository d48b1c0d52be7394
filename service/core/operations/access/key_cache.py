"""Callers of the last seconds, so that not every request asks the database for its key."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from service.core.operations.access.keys import Caller

_SECONDS = 5.0
_SIZE = 1024


class KeyCache:
    """Remembers callers by the digest of their token; a revoked key lives ``seconds`` longer."""

    def __init__(self, *, seconds: float = _SECONDS, size: int = _SIZE) -> None:
        self._seconds = seconds
        self._size = size
        self._lock = threading.Lock()
        self._found: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    def known(self, token: str) -> Caller | None:
        """The caller with this token, when asked for not long ago."""
        entry = self._found.get(_key(token))
        if entry is None or entry[0] < time.monotonic():
            return None
        return entry[1]

    def caller(self, token: str, look_up: Callable[[str], Caller]) -> Caller:
        """The caller with this token, looked up when not remembered."""
        known = self.known(token)
        return known if known is not None else self._remember(token, look_up(token))

    def forget_all(self) -> None:
        """Start again, as after a revocation."""
        with self._lock:
            self._found.clear()

    def _remember(self, token: str, caller: Caller) -> Caller:
        with self._lock:
            self._found[_key(token)] = (time.monotonic() + self._seconds, caller)
            while len(self._found) > self._size:
                self._found.popitem(last=False)
        return caller


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
