"""The interceptor before every RPC: authentication, authorization, and errors as statuses."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc
import structlog
from grpc_status import rpc_status

from service.api_state import ApiState
from service.core.errors import UnauthenticatedError
from service.core.operations.access.keys import ANYBODY, Caller, Scope
from service.core.tracing import follow, new_trace_id, trace_id_of
from service.rpc.context import RpcCall
from service.rpc.errors import answer_to, crash
from service.rpc.scopes import required_scope
from service.views.foreseen import foreseen

_BEARER = "Bearer "
_OURS = "/zoo.v1."
_log = structlog.get_logger("zooscope.rpc")


class AuthInterceptor(grpc.ServerInterceptor):
    """Guards every RPC of the zoo; health and reflection are open to all."""

    def __init__(self, parts: ApiState) -> None:
        self._parts = parts

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Any],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The handler of a call, guarded."""
        handler = continuation(handler_call_details)
        if handler is None or not handler_call_details.method.startswith(_OURS):
            return handler
        return self._guarded(handler, handler_call_details.method)

    def _guarded(self, handler: Any, method: str) -> Any:
        behavior = (
            handler.unary_unary
            or handler.unary_stream
            or handler.stream_unary
            or handler.stream_stream
        )
        guard = self._stream if handler.response_streaming else self._unary
        make = _MAKERS[handler.request_streaming, handler.response_streaming]
        return make(
            guard(behavior, method),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _unary(self, behavior: Any, method: str) -> Any:
        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            with _translating(context, method):
                return behavior(request, self._call(context, required_scope(behavior)))

        return answer

    def _stream(self, behavior: Any, method: str) -> Any:
        def answers(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            with _translating(context, method):
                yield from behavior(request, self._call(context, required_scope(behavior)))

        return answers

    def _call(self, context: grpc.ServicerContext, scope: Scope) -> RpcCall:
        """The call, if the caller's key has the scope."""
        metadata = dict(context.invocation_metadata())
        follow(trace_id_of(str(metadata.get("traceparent", ""))) or new_trace_id())
        caller = self._caller(_text(metadata.get("authorization")))
        caller.require(scope)
        return RpcCall(caller, context, _text(metadata.get("idempotency-key")))

    def _caller(self, authorization: str | None) -> Caller:
        """The caller that sends this ``authorization``."""
        state = self._parts
        if not state.zoo.settings.auth:
            return ANYBODY
        if authorization is None or not authorization.startswith(_BEARER):
            raise UnauthenticatedError(
                "no API key was sent", remedy="send the metadata `authorization: Bearer zoo_…`"
            )
        token = authorization.removeprefix(_BEARER)
        return state.admitted(state.keys.caller(token, state.look_up))


_MAKERS: Mapping[tuple[bool, bool], Any] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


def _text(value: str | bytes | None) -> str | None:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


@contextmanager
def _translating(context: grpc.ServicerContext, method: str) -> Iterator[None]:
    """Errors raised inside end the call with their status, unless the client has left."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - every error of an RPC ends here
        if not context.is_active():
            return
        expected = foreseen(error)
        if expected is None:
            _log.exception("crash", method=method)
        status = crash() if expected is None else answer_to(expected)
        context.abort_with_status(rpc_status.to_status(status))
