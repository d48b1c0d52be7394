"""Middleware for every request: trace, Host check, log line, metrics. Plain ASGI, no buffering."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.adapters.spans import SpanKind, Spans
from service.core.tracing import follow_request
from service.rest.error_handlers import MEDIA_TYPE, TOO_LARGE_REMEDY, problem
from service.rest.metrics import Metrics

_log = structlog.get_logger("zooscope.rest")
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_FIRST_SERVER_ERROR = 500


class RequestContextMiddleware:
    """The outermost layer of the app."""

    def __init__(
        self, app: ASGIApp, *, hosts: Sequence[str], metrics: Metrics, spans: Spans
    ) -> None:
        self.app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._metrics = metrics
        self._spans = spans

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        trace_id = follow_request(headers.get("traceparent", ""))
        sender = _ResponseSender(scope, send, trace_id)
        with self._traced(scope, sender):
            if not self._serves(headers.get("host", "")):
                await self._wrong_host(headers.get("host", ""))(scope, receive, sender)
            else:
                await self.app(scope, receive, sender)
        self._record(scope, sender, trace_id)

    def _serves(self, host: str) -> bool:
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        return "*" in self._hosts or name.lower() in self._hosts

    def _wrong_host(self, host: str) -> ASGIApp:
        return problem(
            status=421,
            code="host_not_allowed",
            detail=f"the Host header {host[:200]!r} is not an allowed host name",
            remedy="add the name to ZOO_ALLOWED_HOSTS",
            instance="/",
        )

    @contextmanager
    def _traced(self, scope: Scope, sender: "_ResponseSender") -> Iterator[None]:
        """Inside is the span of the request, unless it is a health check or metrics scrape.

        Neither path nor query is in it: they name more than an operator of traces needs.
        """
        if scope["path"] in _QUIET:
            yield
            return
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        attributes = {"http.request.method": method, "url.scheme": scope["scheme"]}
        name = "HTTP" if method == "_OTHER" else method
        with self._spans.span(name, kind=SpanKind.SERVER, attributes=attributes) as span:
            try:
                yield
            except Exception as error:
                # The response to it is sent further outside.
                span.note({"http.response.status_code": _FIRST_SERVER_ERROR})
                span.fail(type(error).__name__)
                raise
            finally:
                route = getattr(scope.get("route"), "path", None)
                if route is not None:
                    span.rename(f"{name} {route}")
                    span.note({"http.route": route})
                if sender.status:
                    span.note({"http.response.status_code": sender.status})
                if sender.status >= _FIRST_SERVER_ERROR:
                    span.fail(str(sender.status))

    def _record(self, scope: Scope, sender: "_ResponseSender", trace_id: str) -> None:
        """Log and count the request, unless it is a health check or metrics scrape."""
        if scope["path"] in _QUIET:
            return
        seconds = time.perf_counter() - sender.started
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.count(scope["method"], route, sender.status, seconds)
        _log.info(
            "request",
            method=scope["method"],
            path=scope["path"],
            status=sender.status,
            milliseconds=round(1000 * seconds, 1),
            trace_id=trace_id,
        )


class _ResponseSender:
    """Sends the response: adds the trace id, records the status, turns a bare 413 into a problem."""

    def __init__(self, scope: Scope, send: Send, trace_id: str) -> None:
        self.status = 0
        self.started = time.perf_counter()
        self._scope = scope
        self._send = send
        self._trace_id = trace_id
        self._swallow = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if _is_bare_refusal(message):
                self._swallow = True
                await self._problem_instead()
                return
            MutableHeaders(scope=message)["Trace-Id"] = self._trace_id
        if not self._swallow:
            await self._send(message)

    async def _problem_instead(self) -> None:
        """Send a problem instead of the plain text with which the framework refuses an unread long body."""
        response = problem(
            status=413,
            code="too_large",
            detail="the body exceeds the limit of this route",
            remedy=TOO_LARGE_REMEDY,
            instance=self._scope["path"],
            headers={"Trace-Id": self._trace_id, "Connection": "close"},
        )
        await response(self._scope, _nothing, self._send)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _is_bare_refusal(message: dict[str, Any] | Message) -> bool:
    headers = Headers(raw=message["headers"])
    return message["status"] == 413 and headers.get("content-type") != MEDIA_TYPE  # noqa: PLR2004
