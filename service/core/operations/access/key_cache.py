"""Cache of recent callers, so that not every request reads its key from the database."""

import hashlib
import threading
import time
from collections import OrderedDict

from service.core.operations.access.keys import Caller, ValidKey

_SECONDS = 5.0
_SIZE = 1024


class KeyCache:
    """Callers by the digest of their token, for ``seconds`` and never beyond their key's expiry."""

    def __init__(self, *, seconds: float = _SECONDS, size: int = _SIZE) -> None:
        self._seconds = seconds
        self._size = size
        self._lock = threading.Lock()
        self._entries: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    def fresh(self, token: str) -> Caller | None:
        """The caller with this token, if it was stored within the last seconds."""
        entry = self._entries.get(_key(token))
        if entry is None or entry[0] < time.monotonic():
            return None
        return entry[1]

    def was_valid(self, token: str) -> bool:
        """Whether the token was valid when this process last looked it up."""
        return _key(token) in self._entries

    def store(self, token: str, key: ValidKey) -> None:
        """Keep the caller of a token that has just been looked up."""
        seconds = min(self._seconds, key.seconds_left)
        with self._lock:
            self._entries[_key(token)] = (time.monotonic() + seconds, key.caller)
            self._entries.move_to_end(_key(token))
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def remove(self, token: str) -> None:
        """Remove the caller of a token that is no longer valid."""
        with self._lock:
            self._entries.pop(_key(token), None)


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
