"""HEAD for every GET: the same status and headers, without the body."""

from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadMiddleware:
    """Answers HEAD by the route of GET; what the route computes is not sent."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        inner = {**scope, "method": "GET"}
        exchange = _HeadersOnly(receive, send)
        await self.app(inner, exchange.receive, exchange.send)
        _share_route(inner, scope)


class _HeadersOnly:
    """Sends a response without its body, and then tells the route that the client has left."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._is_sent = False

    async def receive(self) -> Message:
        if self._is_sent:
            return {"type": "http.disconnect"}
        return await self._receive()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._send(message)
        elif not self._is_sent:
            self._is_sent = True
            await self._send({"type": "http.response.body"})


def _share_route(inner: MutableMapping[str, Any], outer: MutableMapping[str, Any]) -> None:
    """The route that answered, for logs and metrics."""
    if "route" in inner:
        outer["route"] = inner["route"]
