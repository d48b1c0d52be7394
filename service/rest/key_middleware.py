"""Lets a request pass only with a valid key, before any byte of its body is read. Plain ASGI.

Bodies that are sent or received in pieces stop when the key becomes invalid meanwhile.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property, partial

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.authenticator import Authenticator, Credentials
from service.core.errors import UnauthenticatedError
from service.core.operations.access import audited_calls
from service.core.operations.access.keys import Caller
from service.key_watch import KeyWatch, OpenStream
from service.rest.error_handlers import expected_error, problem_response
from service.rest.session_cookies import session_token

CALLER_SCOPE_KEY = "zooscope.caller"
# Threads of its own: requests that keep all other threads busy do not delay a refusal.
_THREADS = 8


class KeyMiddleware:
    """Guards every path that begins with one of ``guarded``; the ASGI scope holds the caller."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        authenticator: Authenticator,
        key_watch: KeyWatch,
        guarded: tuple[str, ...],
    ) -> None:
        self.app = app
        self._guarded = guarded
        self._authenticator = authenticator
        self._key_watch = key_watch
        self._threads = CapacityLimiter(_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or not scope["path"].startswith(self._guarded):
            await self.app(scope, receive, send)
            return
        try:
            check = partial(self._authenticator.caller, authenticating(scope))
            caller = await to_thread.run_sync(check, limiter=self._threads)
        except Exception as error:
            refusal = expected_error(error)
            if refusal is None:
                raise
            response = problem_response(
                refusal, instance=scope["path"], headers=_closing_if_unread(scope)
            )
            await response(scope, receive, send)
            return
        scope[CALLER_SCOPE_KEY] = caller
        with ExitStack() as stack:
            exchange = _Exchange(receive, send, partial(_stream, stack, self._key_watch, caller))
            try:
                await self.app(scope, exchange.receive, exchange.send)
            except Exception:
                # The server closes the connection, whose response is incomplete.
                if not exchange.is_cut:
                    raise


class _Exchange:
    """Receives and sends messages, as long as the caller's key is valid.

    ``is_cut`` says that the response ended before it was complete.
    """

    def __init__(
        self, receive: Receive, send: Send, open_stream: Callable[[], OpenStream]
    ) -> None:
        self._receive = receive
        self._send = send
        self._open_stream = open_stream
        self._ends_itself = False
        self.is_cut = False

    @cached_property
    def _stream(self) -> OpenStream:
        """The stream; most exchanges have a single message each way and never open one."""
        return self._open_stream()

    async def receive(self) -> Message:
        """The next message. Raises UnauthenticatedError, which the application answers."""
        message = await self._receive()
        if message.get("more_body"):
            self._stream.require_valid_key()
        return message

    async def send(self, message: Message) -> None:
        """Send a message. Raises UnauthenticatedError, after which the response stays incomplete."""
        if message["type"] == "http.response.start":
            # The route sends its reason as the last event.
            media_type = Headers(raw=message["headers"]).get("content-type", "")
            self._ends_itself = media_type.startswith("text/event-stream")
        elif message.get("more_body") and not self._ends_itself:
            try:
                self._stream.require_valid_key()
            except UnauthenticatedError as error:
                self.is_cut = True
                audited_calls.note_error(error)
                raise
        await self._send(message)


def _stream(stack: ExitStack, key_watch: KeyWatch, caller: Caller) -> OpenStream:
    """A stream of the caller that is open as long as the stack."""
    return stack.enter_context(key_watch.stream(caller))


def authenticating(scope: Scope) -> Credentials:
    """What a request shows of its sender, with the session of a browser.

    Raises:
        ForbiddenError: ``cross_origin``: a page of another origin uses the browser's cookie.
    """
    return replace(credentials_of(scope), session=session_token(scope))


def credentials_of(scope: Scope) -> Credentials:
    """What a request shows of its sender in its headers, besides cookies."""
    headers = Headers(scope=scope)
    return Credentials(
        authorization=headers.get("authorization"),
        peer=(scope.get("client") or ("local",))[0],
        forwarded_for=",".join(headers.getlist("x-forwarded-for")),
    )


def _closing_if_unread(scope: Scope) -> dict[str, str]:
    """Headers that end the connection if a body follows, which nobody will read."""
    headers = Headers(scope=scope)
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    return {"Connection": "close"} if has_body else {}
