"""Headers of every answer that tell a browser what it may do with it. Plain ASGI."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.core.client_addresses import Proxies
from service.rest.session_cookies import is_secure

# Swagger UI uses data: images in its style sheet, and pages show pictures from blob: URLs, such as
# an image that the user has just chosen. Neither leaves the browser.
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
# A drawing has its colors in a style element of its own; nothing in it can load or run anything.
_DRAWING_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_YEAR_SECONDS = 365 * 24 * 3600


class SecurityHeadersMiddleware:
    """Adds the headers; ``proxies`` are those that may say that a connection is encrypted."""

    def __init__(self, app: ASGIApp, *, proxies: Proxies) -> None:
        self.app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        secure = is_secure(scope, self._proxies)

        async def sender(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(MutableHeaders(scope=message))
                if secure:
                    headers = MutableHeaders(scope=message)
                    headers["Strict-Transport-Security"] = f"max-age={_YEAR_SECONDS}"
            await send(message)

        await self.app(scope, receive, sender)


def _add_headers(headers: MutableHeaders) -> None:
    is_drawing = headers.get("content-type", "").startswith("image/svg")
    headers["Content-Security-Policy"] = _DRAWING_POLICY if is_drawing else _POLICY
    for name, value in _HEADERS.items():
        headers[name] = value
