"""Request messages as they arrive: awaited for a time, bounded, then decoded.

gRPC would read and decode a message before the call's key is checked, and wait for it without end
while the call holds a thread. So every RPC is served as a stream of bytes, and read from here.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from service.core.errors import InvalidRequestError, MessageTooLargeError
from service.core.strict_json import SHORT

FILE_BYTES = 4 * 1024**2
Decode = Callable[[bytes], Any]


class MessageSize(Enum):
    """How large one request message may be.

    LONG is for long lists, up to ZOO_MAX_JSON_BYTES; FILES is for parts of files and images, up to
    4 MiB, gRPC's usual bound.
    """

    SHORT = "short"
    LONG = "long"
    FILES = "files"


class MessageClock:
    """Cancels the calls whose next message does not arrive in time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._deadlines: dict[int, tuple[float, grpc.ServicerContext]] = {}
        self._is_watched = False

    @contextmanager
    def awaiting(self, context: grpc.ServicerContext) -> Iterator[None]:
        """Inside, a call waits for a message."""
        with self._lock:
            self._deadlines[id(context)] = (time.monotonic() + self._seconds, context)
            if not self._is_watched:
                self._is_watched = True
                threading.Thread(target=self._watch, daemon=True, name="messages").start()
        try:
            yield
        finally:
            with self._lock:
                del self._deadlines[id(context)]

    def _watch(self) -> None:
        """Run until no call waits."""
        while True:
            time.sleep(self._seconds / 10)
            with self._lock:
                self._is_watched = bool(self._deadlines)
                waiting = list(self._deadlines.values())
            if not waiting:
                return
            for deadline, context in waiting:
                if deadline < time.monotonic():
                    context.cancel()


class RequestMessages:
    """Reads the request messages of calls."""

    def __init__(self, clock: MessageClock, *, long_bytes: int) -> None:
        self._clock = clock
        self._limits = {
            MessageSize.SHORT: SHORT.size_bytes,
            MessageSize.LONG: long_bytes,
            MessageSize.FILES: FILE_BYTES,
        }

    def only(
        self,
        requests: Iterator[bytes],
        context: grpc.ServicerContext,
        *,
        decode: Decode,
        size: MessageSize,
    ) -> Any:
        """The one message of a unary call.

        Raises:
            InvalidRequestError: ``message_missing`` or ``malformed_message``.
            MessageTooLargeError: It exceeds its size.
        """
        for message in self.every(requests, context, decode=decode, size=size):
            return message
        raise InvalidRequestError(
            "the call ended without its message",
            code="message_missing",
            remedy="send exactly one request message",
        )

    def every(
        self,
        requests: Iterator[bytes],
        context: grpc.ServicerContext,
        *,
        decode: Decode,
        size: MessageSize,
    ) -> Iterator[Any]:
        """The messages of a stream. Raises as ``only``."""
        while True:
            with self._clock.awaiting(context):
                data = next(requests, None)
            if data is None:
                return
            _require_size(len(data), self._limits[size], size)
            yield _decoded(data, decode)


def _require_size(size_bytes: int, most_bytes: int, size: MessageSize) -> None:
    if size_bytes > most_bytes:
        raise MessageTooLargeError(
            f"the message has {size_bytes} bytes; those of this call have {most_bytes} at most",
            remedy="send the file in more messages with smaller chunks, fewer images in each call"
            if size is MessageSize.FILES
            else "send less at once: split a list over several calls",
        )


def _decoded(data: bytes, decode: Decode) -> Any:
    try:
        return decode(data)
    except DecodeError as error:
        raise InvalidRequestError(
            "the message cannot be decoded, or is nested too deeply",
            code="malformed_message",
            remedy="generate the client from the .proto files of this version",
        ) from error
