"""Records when keys were last used: rarely, and never while a request waits."""

import math
import threading
import time

import structlog
from sqlalchemy.exc import SQLAlchemyError

from service.container import Zoo
from service.core.operations.access import keys

_INTERVAL_SECONDS = 60.0
_log = structlog.get_logger("zooscope.key_uses")


class KeyUses:
    """Last uses of keys. This process writes each key's at most once per interval. Thread-safe.

    A thread of its own writes, and ends when nothing is left to write.
    """

    def __init__(self, zoo: Zoo, *, interval_seconds: float = _INTERVAL_SECONDS) -> None:
        self._zoo = zoo
        self._interval = interval_seconds
        self._lock = threading.Lock()
        self._noted_at: dict[str, float] = {}
        self._pending: dict[str, float] = {}
        self._writing = False

    def note(self, key_id: str) -> None:
        """Note that a key is used now; returns at once."""
        with self._lock:
            at = time.monotonic()
            if at - self._noted_at.get(key_id, -math.inf) < self._interval:
                return
            self._noted_at[key_id] = at
            self._pending[key_id] = at
            if self._writing:
                return
            self._writing = True
        threading.Thread(target=self._write, name="key uses", daemon=True).start()

    def _write(self) -> None:
        while uses := self._next():
            try:
                with self._zoo.transaction() as session:
                    at = time.monotonic()
                    ages = {key_id: at - used_at for key_id, used_at in uses.items()}
                    keys.record_uses(session, ages)
            except SQLAlchemyError as error:
                _log.warning("key_uses_lost", keys=len(uses), error=str(error).splitlines()[0])

    def _next(self) -> dict[str, float]:
        with self._lock:
            uses, self._pending = self._pending, {}
            self._writing = bool(uses)
            return uses
