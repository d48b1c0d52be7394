"""The HTTP protocol of the REST API: uvicorn's, with timeouts for reading and caps on connections.

uvicorn closes a connection only between requests. Here, headers must be complete within a time,
a body must arrive at a lowest rate, a client must read its response, and one address has a share of
the connections. The address is that of the socket, since anybody can write a forwarding header.
"""

import asyncio
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.rest.connections import OpenConnections
from service.rest.error_handlers import problem

_HEADER_BYTES = 64 * 1024
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 1024**2


class _Phase(Enum):
    """What a connection is doing."""

    IDLE = auto()
    HEADERS = auto()
    BODY = auto()
    RESPONSE = auto()


class GuardedProtocol(HttpToolsProtocol):
    """One connection to a client."""

    def __init__(self, *, open_connections: OpenConnections, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._application, self.app = self.app, self._serve
        self._open_connections = open_connections
        self._limits = open_connections.limits
        self._address = ""
        self._phase = _Phase.IDLE
        self._is_refused = False
        self._discarded_bytes = 0
        self._header_bytes = 0
        self._body_bytes = 0
        self._ends_early = False
        self._was_paused = False
        self._read_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection; refuse it if there are too many."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self._open_connections.open(self._address)
        reason = self._open_connections.refusal(self._address)
        if reason is None:
            self._read_after(self._limits.header_seconds, self._late_headers)
        else:
            self._refuse(_too_many(reason))

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection and its timers."""
        self._open_connections.close(self._address)
        for timer in (self._read_timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, unless the connection is refused."""
        if self._is_refused:
            self._discard(data)
            return
        goes_on = self._phase is _Phase.HEADERS
        if self._phase is _Phase.IDLE:
            self._await_headers()
        super().data_received(data)
        if goes_on and self._phase is _Phase.HEADERS:
            self._header_bytes += len(data)
            if self._header_bytes > _HEADER_BYTES:
                self._refuse(_long_header())

    def on_message_begin(self) -> None:
        """Start the time of a pipelined request; that of any other already runs."""
        super().on_message_begin()
        if self._phase is not _Phase.HEADERS:
            self._await_headers()

    def on_headers_complete(self) -> None:
        """Start to measure the rate of the body."""
        super().on_headers_complete()
        self._phase = _Phase.BODY
        self._await_body()

    def on_body(self, body: bytes) -> None:
        """Count the bytes."""
        super().on_body(body)
        self._body_bytes += len(body)
        self._was_paused |= self.flow.read_paused

    def on_message_complete(self) -> None:
        """Stop the time: from now on the client waits."""
        super().on_message_complete()
        self._phase = _Phase.RESPONSE
        self._stop_reading_timer()

    def on_response_complete(self) -> None:
        """Wait for the next request, for which uvicorn starts the time, or end an early response."""
        if self._phase is _Phase.RESPONSE:
            self._phase = _Phase.IDLE
        super().on_response_complete()
        if self._ends_early:
            self._unset_keepalive_if_required()
            self._linger()

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a request: the whole of what arrives; an early response ends the connection."""

        async def send_early(message: Any) -> None:
            is_early = self.cycle.scope is scope and self.cycle.more_body
            if message["type"] != "http.response.start" or not is_early:
                await send(message)
                return
            headers = [*message.get("headers", ()), (b"connection", b"close")]
            await send({**message, "headers": headers})
            # uvicorn would close at once; with unread bytes the client might lose the response.
            self.cycle.keep_alive = True
            self._ends_early = True

        async def receive_all() -> Any:
            message = await receive()
            if message["type"] == "http.disconnect" and self.cycle.scope is scope:
                # uvicorn would forget what arrived before the end of the connection.
                rest, self.cycle.body = bytes(self.cycle.body), bytearray()
                if rest:
                    return {"type": "http.request", "body": rest, "more_body": True}
            return message

        await self._application(scope, receive_all, send_early)

    def pause_writing(self) -> None:
        """Give the client a time to read its response."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self._limits.idle_seconds, self._abort)

    def resume_writing(self) -> None:
        """Stop that time."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, even if the client does not read."""
        self._close()

    def _await_headers(self) -> None:
        self._phase = _Phase.HEADERS
        self._header_bytes = 0
        self._read_after(self._limits.header_seconds, self._late_headers)

    def _await_body(self) -> None:
        self._body_bytes = 0
        self._was_paused = self.flow.read_paused
        self._read_after(self._limits.body_seconds, self._check_body)

    def _late_headers(self) -> None:
        self._refuse(_late(f"the headers did not arrive within {self._limits.header_seconds:g} s"))

    def _check_body(self) -> None:
        """Refuse a slow body, unless the server was the slow side."""
        waits_for_us = self._was_paused or self.flow.read_paused
        if waits_for_us or self.cycle.waiting_for_100_continue:
            self._await_body()
        elif self._body_bytes < self._limits.body_bytes:
            rate = self._limits.body_bytes / self._limits.body_seconds
            self._refuse(_late(f"the body arrived at less than {rate:g} bytes per second"))
        else:
            self._await_body()

    def _read_after(self, seconds: float, action: Callable[[], None]) -> None:
        self._stop_reading_timer()
        self._read_timer = self.loop.call_later(seconds, action)

    def _stop_reading_timer(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def _refuse(self, response: Response) -> None:
        """Send a response instead of the application's, then close; ignore what still arrives."""
        self._unset_keepalive_if_required()
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self._abort()
                return
        self.transport.write(_encoded(response))
        self._linger()

    def _linger(self) -> None:
        """Send nothing more; close later, since a close with unread bytes would lose the response."""
        self._is_refused = True
        self._stop_reading_timer()
        self.transport.write_eof()
        self._write_timer = self.loop.call_later(_LINGER_SECONDS, self._abort)

    def _discard(self, data: bytes) -> None:
        """Read on, since only so the end of the client shows; stop when it sends very much."""
        self._discarded_bytes += len(data)
        if self._discarded_bytes > _LINGER_BYTES:
            self.transport.pause_reading()

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
            self._write_timer = self.loop.call_later(_LINGER_SECONDS, self._abort)

    def _abort(self) -> None:
        self.transport.abort()


def _late(detail: str) -> Response:
    return problem(
        status=408,
        code="request_timeout",
        detail=detail,
        remedy="send the request without pauses, a file in several parts with PATCH /v1/uploads",
        instance="/",
    )


def _too_many(detail: str) -> Response:
    return problem(
        status=503,
        code="too_many_connections",
        detail=detail,
        remedy="close idle connections or share one; see ZOO_MAX_CONNECTIONS_PER_ADDRESS",
        instance="/",
        headers={"Retry-After": "10"},
    )


def _long_header() -> Response:
    return problem(
        status=431,
        code="header_too_long",
        detail=f"the headers have more than {_HEADER_BYTES} bytes",
        remedy="send shorter headers; long values go into the body",
        instance="/",
    )


def _encoded(response: Response) -> bytes:
    """A response that ends the connection, as bytes."""
    lines = [f"HTTP/1.1 {response.status_code} Refused".encode(), b"Connection: close"]
    lines += [name + b": " + value for name, value in response.raw_headers]
    return b"\r\n".join([*lines, b"", bytes(response.body)])
