"""The interceptor before every RPC: authentication, authorization, audit, errors as statuses."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import unquote

import grpc
import structlog
from google.protobuf.message import Message

from service.adapters.spans import NO_SPANS, Span, SpanKind
from service.api_state import ApiState
from service.authenticator import Credentials
from service.core.operations.access import audited_calls
from service.core.operations.access.keys import Scope
from service.core.tracing import follow_request
from service.rpc.audited_rpcs import audited_rpc, note_request, note_sent
from service.rpc.callers import CallsByAddress
from service.rpc.context import RpcCall
from service.rpc.errors import answer_to, crash, to_grpc
from service.rpc.messages import MessageClock, MessageSize, RequestMessages
from service.rpc.named_rows import with_ids
from service.rpc.scopes import message_size, required_scopes
from service.views.foreseen import foreseen

_OURS = "/zoo.v1."
# gRPC's mark on a behavior that answers by callbacks.
_HOLDS_NO_THREAD = "experimental_non_blocking"
# Statuses that the conventions of OpenTelemetry count as errors of a server.
_FAULTS = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
_log = structlog.get_logger("zooscope.rpc")


@dataclass(frozen=True)
class _Admitted:
    """A call that may run: what its servicer takes, and the check before each of its messages."""

    call: Any
    require_valid_key: Callable[[], None]
    with_ids: Callable[[Message], Message]

    def request(self, request: Any) -> Any:
        """The request; a single message has ids instead of names, which the audit log repeats."""
        if isinstance(request, Message):
            return note_request(self.with_ids(request))
        return self.each(request)

    def each(self, messages: Iterator[Any]) -> Iterator[Any]:
        """The messages, as long as the caller's key is valid. Raises UnauthenticatedError."""
        for message in messages:
            self.require_valid_key()
            yield message


@dataclass(frozen=True)
class _Rpc:
    """What serves an RPC, who may call it, and how large its messages may be."""

    method: str
    behavior: Any
    admit: Callable[[grpc.ServicerContext], AbstractContextManager[_Admitted]]
    size: MessageSize


class AuthInterceptor(grpc.ServerInterceptor):
    """Guards every RPC; those of health and reflection need no key."""

    def __init__(self, parts: ApiState) -> None:
        settings = parts.zoo.settings
        self._parts = parts
        clock = MessageClock(settings.body_timeout_seconds)
        self._messages = RequestMessages(clock, long_bytes=settings.max_json_bytes)
        self._calls = CallsByAddress(settings.max_calls_per_address)

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Any],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The handler of a call, guarded."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        behavior = (
            handler.unary_unary
            or handler.unary_stream
            or handler.stream_unary
            or handler.stream_stream
        )
        if getattr(behavior, _HOLDS_NO_THREAD, False):
            return handler
        if handler_call_details.method.startswith(_OURS):
            admit: Callable[..., Any] = partial(
                self._call,
                method=handler_call_details.method,
                scopes=required_scopes(behavior),
            )
            size = message_size(behavior)
        else:
            admit, size = _anybody, MessageSize.SHORT
        return self._guarded(handler, _Rpc(handler_call_details.method, behavior, admit, size))

    def _guarded(self, handler: Any, rpc: "_Rpc") -> Any:
        read = partial(
            self._messages.every if handler.request_streaming else self._messages.only,
            decode=handler.request_deserializer,
            size=rpc.size,
        )
        guard = self._stream if handler.response_streaming else self._unary
        # Always a stream of bytes: the key is checked before a message is read or decoded.
        make = _MAKERS[handler.response_streaming]
        return make(
            guard(rpc, read),
            request_deserializer=None,
            response_serializer=handler.response_serializer,
        )

    def _unary(self, rpc: "_Rpc", read: Any) -> Any:
        def answer(requests: Iterator[bytes], context: grpc.ServicerContext) -> Any:
            with self._guard(context, rpc), rpc.admit(context) as admitted:
                return rpc.behavior(admitted.request(read(requests, context)), admitted.call)

        return answer

    def _stream(self, rpc: "_Rpc", read: Any) -> Any:
        def answers(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[Any]:
            with self._guard(context, rpc), rpc.admit(context) as admitted:
                request = admitted.request(read(requests, context))
                yield from admitted.each(map(note_sent, rpc.behavior(request, admitted.call)))

        return answers

    @contextmanager
    def _guard(self, context: grpc.ServicerContext, rpc: "_Rpc") -> Iterator[None]:
        """Inside, the call is followed, counted, and its errors become statuses."""
        metadata = dict(context.invocation_metadata())
        follow_request(str(metadata.get("traceparent", "")))
        address = _credentials(context).address(self._parts.zoo.settings.proxies)
        call = audited_rpc(rpc.method, address) if rpc.method.startswith(_OURS) else None
        audited_calls.begin(call)
        try:
            with (
                self._traced(context, rpc),
                _translating(context, rpc.method),
                self._calls.counted(address),
            ):
                yield
        finally:
            audited_calls.begin(None)
            if call is not None:
                self._parts.audit.add(call)

    @contextmanager
    def _traced(self, context: grpc.ServicerContext, rpc: "_Rpc") -> Iterator[None]:
        """Inside is the span of the call; those of health and reflection have none."""
        spans = self._parts.zoo.spans if rpc.method.startswith(_OURS) else NO_SPANS
        method = rpc.method.removeprefix("/")
        attributes = {"rpc.system.name": "grpc", "rpc.method": method}
        with spans.span(method, kind=SpanKind.SERVER, attributes=attributes) as span:
            try:
                yield
            finally:
                _note_status(span, context)

    @contextmanager
    def _call(
        self, context: grpc.ServicerContext, *, method: str, scopes: tuple[Scope, ...]
    ) -> Iterator[_Admitted]:
        """The call, if the caller's key has one of the scopes."""
        metadata = dict(context.invocation_metadata())
        caller = self._parts.authenticator.caller(_credentials(context))
        caller.require(*scopes)
        with self._parts.key_watch.stream(caller) as stream:
            call = RpcCall(caller, stream, context, _text(metadata.get("idempotency-key")))
            ids = partial(with_ids, self._parts, project=caller.project, method=method)
            yield _Admitted(call, stream.require_valid_key, ids)


def _credentials(context: grpc.ServicerContext) -> Credentials:
    metadata = dict(context.invocation_metadata())
    return Credentials(
        authorization=_text(metadata.get("authorization")),
        peer=_peer_address(context.peer()),
        forwarded_for=_text(metadata.get("x-forwarded-for")) or "",
    )


def _peer_address(peer: str) -> str:
    """The IP address in gRPC's form of a peer, such as ``ipv4:127.0.0.1:50052``."""
    kind, _, address = unquote(peer).partition(":")
    return address.rpartition(":")[0].strip("[]") if kind in {"ipv4", "ipv6"} else peer


_MAKERS: Mapping[bool, Any] = {
    False: grpc.stream_unary_rpc_method_handler,
    True: grpc.stream_stream_rpc_method_handler,
}


@contextmanager
def _anybody(context: grpc.ServicerContext) -> Iterator[_Admitted]:
    """The call as gRPC's own services take it."""
    yield _Admitted(context, lambda: None, lambda request: request)


def _text(value: str | bytes | None) -> str | None:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _note_status(span: Span, context: Any) -> None:
    """The span has the status of its call, which failed if the fault is not the client's."""
    ended = grpc.StatusCode.OK if context.is_active() else grpc.StatusCode.CANCELLED
    status = context.code() or ended
    span.note({"rpc.response.status_code": status.name})
    if status in _FAULTS:
        span.fail(status.name)


@contextmanager
def _translating(context: grpc.ServicerContext, method: str) -> Iterator[None]:
    """Errors raised inside end the call with their status, unless the client has left."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - every error of an RPC ends here
        expected = foreseen(error)
        audited_calls.note_error(expected)
        if not context.is_active():
            # Without a response gRPC would log that it cannot serialize one.
            context.abort(grpc.StatusCode.CANCELLED, "the client has left")
        if expected is None:
            _log.exception("crash", method=method)
        status = crash() if expected is None else answer_to(expected)
        context.abort_with_status(to_grpc(status, expected))
