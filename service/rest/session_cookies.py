"""The cookie of a browser's session: how it is read, set and cleared, and which requests may use it."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from service.core.client_addresses import Proxies, is_trusted
from service.core.errors import ForbiddenError

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


def session_token(scope: Scope) -> str | None:
    """The token in the cookie of a request; None without one.

    Raises:
        ForbiddenError: ``cross_origin``: the request writes, and a page of another origin sent it.
    """
    headers = Headers(scope=scope)
    token = _cookies(headers).get(cookie_name(headers))
    if token is None or "authorization" in headers:
        return None
    if scope["method"] not in _READING and not _is_same_origin(headers):
        raise ForbiddenError(
            "a request that changes something with the cookie of a session must come from this zoo's"
            " own page; its Origin header says otherwise",
            code="cross_origin",
            remedy="open the page at the address of the zoo, or send an API key instead",
        )
    return token


def cookie_name(headers: Headers) -> str:
    """The name of the cookie. Browsers share cookies between the ports of a host, so it has the port."""
    address = urlsplit(f"//{headers.get('host', '')}")
    try:
        port = address.port
    except ValueError:
        port = None
    return f"zooscope_session_{port or 'default'}"


def session_cookie(scope: Scope, token: str, *, seconds: int, proxies: Proxies) -> str:
    """The ``Set-Cookie`` header of a session that is valid for so many seconds; 0 clears it."""
    parts = [
        f"{cookie_name(Headers(scope=scope))}={token}",
        "Path=/",
        f"Max-Age={seconds}",
        "HttpOnly",
        "SameSite=Strict",
    ]
    return "; ".join([*parts, "Secure"] if is_secure(scope, proxies) else parts)


def address_of(scope: Scope, proxies: Proxies) -> str:
    """The address at which the client reached this server."""
    scheme = "https" if is_secure(scope, proxies) else "http"
    return f"{scheme}://{Headers(scope=scope).get('host', 'localhost')}"


def is_secure(scope: Scope, proxies: Proxies) -> bool:
    """Whether the client's connection is encrypted, as far as trusted proxies say so."""
    if scope.get("scheme") == "https":
        return True
    peer = (scope.get("client") or ("local",))[0]
    forwarded = Headers(scope=scope).get("x-forwarded-proto", "")
    return forwarded.strip().lower() == "https" and is_trusted(peer, proxies)


def _is_same_origin(headers: Headers) -> bool:
    """Whether the page that sent the request has the host and port that the request went to.

    The scheme is not compared: behind a proxy that ends TLS, this server sees only plain HTTP.
    """
    origin = urlsplit(headers.get("origin", ""))
    try:
        port = origin.port or _DEFAULT_PORTS.get(origin.scheme)
        host = urlsplit(f"//{headers.get('host', '')}")
        host_port = host.port or _DEFAULT_PORTS.get(origin.scheme)
    except ValueError:
        return False
    return bool(origin.hostname) and (origin.hostname, port) == (host.hostname, host_port)


def _cookies(headers: Headers) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in headers.get("cookie", "").split(";"))
    return {name: value.strip('"') for name, equals, value in pairs if equals}
