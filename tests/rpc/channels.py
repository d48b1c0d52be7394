"""A zoo behind a real gRPC socket, and a channel to it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from grpc_status import rpc_status

from service.container import Zoo
from service.core.operations.access import keys
from service.rpc.server import create_server
from service.rpc.stubs.zoo.v1 import (
    accuracy_service_pb2_grpc,
    concept_service_pb2_grpc,
    dataset_service_pb2_grpc,
    job_service_pb2_grpc,
    method_service_pb2_grpc,
    model_service_pb2_grpc,
    transferability_service_pb2_grpc,
)
from tests.waiting import HANG_SECONDS


@dataclass(frozen=True)
class Refusal:
    """What a client hears when a call is refused."""

    status: grpc.StatusCode
    code: str
    detail: str
    remedy: str | None
    fields: tuple[str, ...]
    omitted: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)


def refusal(call: Any, request: Any, **options: Any) -> Refusal:
    """How a call that must fail is refused; streams are read to their end."""
    try:
        answer = call(request, timeout=HANG_SECONDS, **options)
        if hasattr(answer, "__next__"):
            list(answer)
    except grpc.RpcError as error:
        return refusal_in(error)
    raise AssertionError("the call was answered")


def refusal_in(error: Any) -> Refusal:
    """The details that came with an error."""
    status = rpc_status.from_call(error)
    info, fields = ErrorInfo(), BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(fields)
    return Refusal(
        error.code(),
        info.reason,
        error.details(),
        info.metadata.get("remedy"),
        tuple(violation.field for violation in fields.field_violations),
        int(info.metadata.get("errors_omitted", "0")),
        dict(info.metadata),
    )


class Dialled:
    """A zoo, its address, and stubs of all services with the administrator's key."""

    def __init__(self, zoo: Zoo, address: str, token: str) -> None:
        self.zoo = zoo
        self.address = address
        self.token = token
        self.channel = channel_to(address, token)
        self._take(self.channel)

    def _take(self, channel: grpc.Channel) -> None:
        self.models = model_service_pb2_grpc.ModelServiceStub(channel)
        self.datasets = dataset_service_pb2_grpc.DatasetServiceStub(channel)
        self.jobs = job_service_pb2_grpc.JobServiceStub(channel)
        self.methods = method_service_pb2_grpc.MethodServiceStub(channel)
        self.accuracies = accuracy_service_pb2_grpc.AccuracyServiceStub(channel)
        self.concepts = concept_service_pb2_grpc.ConceptServiceStub(channel)
        self.transferability = transferability_service_pb2_grpc.TransferabilityServiceStub(channel)

    def with_scopes(self, *scopes: str, project: str = "default") -> "Dialled":
        """The same with a key of these scopes."""
        with self.zoo.transaction() as session:
            key = keys.issue(session, project=project, name="a key", scopes=scopes)
        return Dialled(self.zoo, self.address, key.token)


class _WithKey(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
):
    """Adds the key to every call, as a client of a plain-text local server does."""

    def __init__(self, token: str) -> None:
        self._entry = ("authorization", f"Bearer {token}")

    def _with_key(self, continuation: Any, details: Any, request: Any) -> Any:
        metadata = [*(details.metadata or []), self._entry]
        return continuation(details._replace(metadata=metadata), request)

    intercept_unary_unary = _with_key
    intercept_unary_stream = _with_key
    intercept_stream_unary = _with_key


def channel_to(address: str, token: str | None = None) -> grpc.Channel:
    """A channel that shows ``token`` with every call."""
    channel = grpc.insecure_channel(address)
    return channel if token is None else grpc.intercept_channel(channel, _WithKey(token))


@contextmanager
def listening(zoo: Zoo) -> Iterator[str]:
    """The address of a gRPC server that runs while the block does."""
    server = create_server(zoo)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(1).wait()
