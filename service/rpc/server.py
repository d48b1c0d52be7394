"""The gRPC server: a Zoo in, a server out."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from service.api_state import ApiState
from service.container import Zoo
from service.rpc.auth_interceptor import AuthInterceptor
from service.rpc.servicers.accuracies import AccuracyServicer
from service.rpc.servicers.datasets import DatasetServicer
from service.rpc.servicers.jobs import JobServicer, MethodServicer
from service.rpc.servicers.models import ModelServicer
from service.rpc.servicers.transferability import TransferabilityServicer
from service.rpc.stubs.zoo.v1 import (
    accuracy_service_pb2_grpc,
    dataset_service_pb2_grpc,
    job_service_pb2_grpc,
    method_service_pb2_grpc,
    model_service_pb2_grpc,
    transferability_service_pb2_grpc,
)

SERVICES = (
    "zoo.v1.ModelService",
    "zoo.v1.DatasetService",
    "zoo.v1.TransferabilityService",
    "zoo.v1.AccuracyService",
    "zoo.v1.JobService",
    "zoo.v1.MethodService",
)
# A call holds a thread while it lasts; watching may not use up those of all other calls.
_THREADS = 64
_WATCHERS = 48
# Without this, a second server on the same port would silently take half the calls.
EXCLUSIVE_PORT = (("grpc.so_reuseport", 0),)
# A port that another socket of this user reserves, without listening itself.
SHARED_PORT = (("grpc.so_reuseport", 1),)


def create_server(zoo: Zoo, *, port: Sequence[tuple[str, int]] = EXCLUSIVE_PORT) -> grpc.Server:
    """The server of ``zoo``; it owns nothing of it. Add a port, then start it."""
    parts = ApiState.of(zoo)
    server = grpc.server(
        ThreadPoolExecutor(_THREADS, thread_name_prefix="rpc"),
        interceptors=[AuthInterceptor(parts)],
        options=port,
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelServicer(parts), server)
    dataset_service_pb2_grpc.add_DatasetServiceServicer_to_server(DatasetServicer(parts), server)
    transferability_service_pb2_grpc.add_TransferabilityServiceServicer_to_server(
        TransferabilityServicer(parts), server
    )
    accuracy_service_pb2_grpc.add_AccuracyServiceServicer_to_server(
        AccuracyServicer(parts), server
    )
    jobs = JobServicer(parts, watchers=_WATCHERS)
    job_service_pb2_grpc.add_JobServiceServicer_to_server(jobs, server)
    method_service_pb2_grpc.add_MethodServiceServicer_to_server(MethodServicer(), server)
    _add_health(server)
    reflection.enable_server_reflection(
        (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), server
    )
    return server


def _add_health(server: grpc.Server) -> None:
    """The standard health service: the server as a whole and each service of ours."""
    servicer = health.HealthServicer()
    for name in ("", *SERVICES):
        servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
