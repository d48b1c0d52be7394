"""Middleware that records calls of the API in the audit log. Plain ASGI, no buffering."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.audit_trail import AuditTrail
from service.core.client_addresses import Proxies
from service.core.operations.access import audited_calls
from service.core.operations.access.audited_calls import AuditedCall, CallDescription
from service.core.tables import AuditApi
from service.rest.key_middleware import credentials_of

_API = "/v1/"
_OK = 200
_FIRST_ERROR = 400
# Answers that describe things; all others are bytes that the zoo stores or draws.
_DESCRIBING = (b"application/json", b"application/x-ndjson", b"text/event-stream")
_VERBS: Mapping[str, str] = {
    "GET": "read",
    "HEAD": "read",
    "POST": "create",
    "PATCH": "update",
    "PUT": "update",
    "DELETE": "delete",
}


class AuditMiddleware:
    """Follows every call below ``/v1`` from its address to its status."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        trail: AuditTrail,
        proxies: Proxies,
        routes: Sequence[BaseRoute],
    ) -> None:
        self.app = app
        self._trail = trail
        self._routes = routes
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or not scope["path"].startswith(_API):
            await self.app(scope, receive, send)
            return
        address = credentials_of(scope).address(self._proxies)
        call = AuditedCall(AuditApi.REST, address, lambda: _description(scope, self._routes))
        audited_calls.begin(call)
        try:
            await self.app(scope, receive, _following(call, scope["method"], send))
        except Exception:
            audited_calls.note_error(None)
            raise
        finally:
            self._trail.add(call)


# Parts of a path that say which thing, or which part of it.
_SELECTORS = frozenset({"content", "by-name", "self"})


def _following(call: AuditedCall, method: str, send: Send) -> Send:
    """``send``, which notes in ``call`` how the call ends."""

    async def follow(message: Message) -> None:
        if message["type"] == "http.response.start":
            _note_response(call, method, message)
        await send(message)

    return follow


def _note_response(call: AuditedCall, method: str, message: Message) -> None:
    status = message["status"]
    if status >= _FIRST_ERROR:
        call.code = call.code or f"http_{status}"
    kind = dict(message["headers"]).get(b"content-type", b"application/json")
    call.delivered = method == "GET" and status == _OK and not kind.startswith(_DESCRIBING)


def _description(scope: Scope, routes: Sequence[BaseRoute]) -> CallDescription:
    """What the call does, from its route: ``POST /v1/jobs/{job_id}:cancel`` is ``jobs.cancel``."""
    path, values = _route(scope, routes)
    if not path.startswith(_API):
        return CallDescription.of("unknown", "read", ())
    parts = path.removeprefix(_API).split("/")
    parts[-1], _, custom = parts[-1].partition(":")
    nouns = [part for part in parts if not part.startswith("{") and part not in _SELECTORS]
    verb = _VERBS.get(scope["method"], "read")
    if custom and verb != "read":
        verb = custom
    ids = [value for name, value in values.items() if name.endswith("_id") or name == "project"]
    return CallDescription.of(nouns[-1], verb, ids)


def _route(scope: Scope, routes: Sequence[BaseRoute]) -> tuple[str, Mapping[str, Any]]:
    """The template and the parameters of the route, also of a call that was refused before routing."""
    route = scope.get("route")
    if route is not None:
        return route.path, scope.get("path_params", {})
    for candidate in routes:
        match, child = candidate.matches(scope)
        if match is Match.FULL:
            return getattr(candidate, "path", ""), child.get("path_params", {})
    return "", {}
