"""Ends open streams whose key is no longer valid.

A request shows its key once, and a stream of events or a download may then last for hours. One query
every few seconds asks about the keys of all open streams of a process; none is sent while none is open.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy.exc import SQLAlchemyError

from service.container import Zoo
from service.core.errors import UnauthenticatedError
from service.core.operations.access import keys
from service.core.operations.access.keys import Caller

_INTERVAL_SECONDS = 2.0
_log = structlog.get_logger("zooscope.key_watch")


class OpenStream:
    """A stream between a caller and this process. Thread-safe."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        self._key_ended = False

    def end(self) -> None:
        """Let the stream stop at its next message."""
        self._key_ended = True

    def require_valid_key(self) -> None:
        """Require that the caller's key is still valid.

        Raises:
            UnauthenticatedError: It was revoked or has expired since the stream began.
        """
        if self._key_ended:
            raise UnauthenticatedError(
                "the API key was revoked or has expired while the stream was open",
                remedy="start again with a valid key of this zoo; a job continues meanwhile,"
                " and its events resume after the last one that you received",
            )


class KeyWatch:
    """The open streams of a process. Thread-safe; its thread lives as long as a stream is open."""

    def __init__(self, zoo: Zoo, *, interval_seconds: float = _INTERVAL_SECONDS) -> None:
        self._zoo = zoo
        self._interval = interval_seconds
        self._lock = threading.Lock()
        self._streams: set[OpenStream] = set()
        self._is_running = False

    @contextmanager
    def stream(self, caller: Caller) -> Iterator[OpenStream]:
        """A stream of the caller that is open while the block runs."""
        stream = OpenStream(caller.key_id)
        with self._lock:
            self._streams.add(stream)
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="key watch", daemon=True).start()
        try:
            yield stream
        finally:
            with self._lock:
                self._streams.discard(stream)

    def _run(self) -> None:
        while True:
            time.sleep(self._interval)
            with self._lock:
                streams = list(self._streams)
                self._is_running = bool(streams)
            if not streams:
                return
            ended = self._ended({stream.key_id for stream in streams})
            for stream in streams:
                if stream.key_id in ended:
                    stream.end()

    def _ended(self, key_ids: set[str]) -> set[str]:
        """Those of the keys that are no longer valid; none while the database does not answer."""
        try:
            with self._zoo.transaction() as session:
                return keys.ended(session, key_ids)
        except SQLAlchemyError as error:
            _log.warning("keys_unchecked", keys=len(key_ids), error=str(error).splitlines()[0])
            return set()
