"""The way in and out of every call: who calls, may they, and what errors look like."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc
import structlog
from grpc_status import rpc_status

from service.core.operations.access.keys import Scope
from service.core.tracing import follow, new_trace_id, trace_id_of
from service.rpc.context import RpcCall, RpcState
from service.rpc.errors import answer_to, crash, foreseen

SCOPES: Mapping[str, Scope] = {
    "/zoo.v1.ModelService/CreateModel": Scope.WRITE,
    "/zoo.v1.ModelService/GetModel": Scope.READ,
    "/zoo.v1.ModelService/ListModels": Scope.READ,
    "/zoo.v1.ModelService/UpdateModel": Scope.WRITE,
    "/zoo.v1.ModelService/DeleteModel": Scope.WRITE,
    "/zoo.v1.ModelService/DownloadModel": Scope.READ,
    "/zoo.v1.ModelService/ListLayers": Scope.READ,
    "/zoo.v1.ModelService/ListNeighbors": Scope.READ,
    "/zoo.v1.ModelService/GetLineage": Scope.READ,
    "/zoo.v1.ModelService/GetAttribution": Scope.READ,
    "/zoo.v1.ModelService/CreateAttributions": Scope.JOBS,
    "/zoo.v1.ModelService/Predict": Scope.READ,
    "/zoo.v1.DatasetService/CreateDataset": Scope.WRITE,
    "/zoo.v1.DatasetService/GetDataset": Scope.READ,
    "/zoo.v1.DatasetService/ListDatasets": Scope.READ,
    "/zoo.v1.DatasetService/DeleteDataset": Scope.WRITE,
    "/zoo.v1.DatasetService/GetImage": Scope.READ,
    "/zoo.v1.TransferabilityService/Rank": Scope.JOBS,
    "/zoo.v1.TransferabilityService/GetRanking": Scope.READ,
    "/zoo.v1.TransferabilityService/SelectLayer": Scope.JOBS,
    "/zoo.v1.TransferabilityService/GetLayerSelection": Scope.READ,
    "/zoo.v1.TransferabilityService/CreateMap": Scope.JOBS,
    "/zoo.v1.TransferabilityService/GetMap": Scope.READ,
    "/zoo.v1.TransferabilityService/ListMaps": Scope.READ,
    "/zoo.v1.TransferabilityService/GetMapSnapshot": Scope.READ,
    "/zoo.v1.AccuracyService/AddAccuracies": Scope.WRITE,
    "/zoo.v1.AccuracyService/ListAccuracies": Scope.READ,
    "/zoo.v1.AccuracyService/DeleteAccuracy": Scope.WRITE,
    "/zoo.v1.JobService/SubmitJob": Scope.JOBS,
    "/zoo.v1.JobService/GetJob": Scope.READ,
    "/zoo.v1.JobService/ListJobs": Scope.READ,
    "/zoo.v1.JobService/CancelJob": Scope.JOBS,
    "/zoo.v1.JobService/RetryJob": Scope.JOBS,
    "/zoo.v1.JobService/WatchJob": Scope.READ,
    "/zoo.v1.JobService/ListArtifacts": Scope.READ,
    "/zoo.v1.JobService/DownloadArtifact": Scope.READ,
    "/zoo.v1.MethodService/ListMethods": Scope.READ,
    "/zoo.v1.MethodService/GetMethod": Scope.READ,
}

_OURS = "/zoo.v1."
_log = structlog.get_logger("zooscope.rpc")


class AuthInterceptor(grpc.ServerInterceptor):
    """Stands before every method of ours; health and reflection are open to all."""

    def __init__(self, parts: RpcState) -> None:
        self._parts = parts

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Any],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The handler of a call, with the door before it."""
        handler = continuation(handler_call_details)
        if handler is None or not handler_call_details.method.startswith(_OURS):
            return handler
        return self._guarded(handler, handler_call_details.method)

    def _guarded(self, handler: Any, method: str) -> Any:
        behaviour = (
            handler.unary_unary
            or handler.unary_stream
            or handler.stream_unary
            or handler.stream_stream
        )
        guard = self._stream if handler.response_streaming else self._unary
        make = _MAKERS[handler.request_streaming, handler.response_streaming]
        return make(
            guard(behaviour, method),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _unary(self, behaviour: Any, method: str) -> Any:
        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            with _translating(context, method):
                return behaviour(request, self._call(context, method))

        return answer

    def _stream(self, behaviour: Any, method: str) -> Any:
        def answers(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            with _translating(context, method):
                yield from behaviour(request, self._call(context, method))

        return answers

    def _call(self, context: grpc.ServicerContext, method: str) -> RpcCall:
        """Who calls, if their key allows the method; an unlisted method takes an administrator."""
        metadata = dict(context.invocation_metadata())
        follow(trace_id_of(str(metadata.get("traceparent", ""))) or new_trace_id())
        caller = self._parts.caller(_text(metadata.get("authorization")))
        caller.require(SCOPES.get(method, Scope.ADMIN))
        return RpcCall(caller, context, _text(metadata.get("idempotency-key")))


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
    """Errors raised inside end the call with their status; a client that left hears nothing."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the one place where every error of this door ends
        if not context.is_active():
            return
        known = foreseen(error)
        if known is None:
            _log.exception("crash", method=method)
        status = crash() if known is None else answer_to(known)
        context.abort_with_status(rpc_status.to_status(status))
