"""The gRPC server: a Zoo in, a server out."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from sqlalchemy import text

from service.api_state import ApiState
from service.container import Zoo
from service.rpc.auth_interceptor import AuthInterceptor
from service.rpc.messages import FILE_BYTES
from service.rpc.servicers.accuracies import AccuracyServicer
from service.rpc.servicers.audit import AuditServicer
from service.rpc.servicers.concepts import ConceptServicer
from service.rpc.servicers.datasets import DatasetServicer
from service.rpc.servicers.events import EventServicer
from service.rpc.servicers.jobs import JobServicer, MethodServicer
from service.rpc.servicers.keys import KeyServicer
from service.rpc.servicers.models import ModelServicer
from service.rpc.servicers.quotas import QuotaServicer
from service.rpc.servicers.transferability import TransferabilityServicer
from service.rpc.stubs.zoo.v1 import (
    accuracy_service_pb2_grpc,
    audit_service_pb2_grpc,
    concept_service_pb2_grpc,
    dataset_service_pb2_grpc,
    event_service_pb2_grpc,
    job_service_pb2_grpc,
    key_service_pb2_grpc,
    method_service_pb2_grpc,
    model_service_pb2_grpc,
    quota_service_pb2_grpc,
    transferability_service_pb2_grpc,
)
from service.rpc.watchers import Watchers
from service.settings import Settings
from service.views.foreseen import DATABASE_AWAY

SERVICES = (
    "zoo.v1.ModelService",
    "zoo.v1.DatasetService",
    "zoo.v1.TransferabilityService",
    "zoo.v1.ConceptService",
    "zoo.v1.AccuracyService",
    "zoo.v1.JobService",
    "zoo.v1.EventService",
    "zoo.v1.MethodService",
    "zoo.v1.KeyService",
    "zoo.v1.AuditService",
    "zoo.v1.QuotaService",
)
# A call holds a thread while it lasts; watching may not use up those of all other calls.
_THREADS = 64
_WATCHERS = 48
# Calls under way then still end; a client opens a new connection for the next one.
_CONNECTION_AGE_SECONDS = 3600
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
        options=[*port, *connection_options(zoo.settings)],
        maximum_concurrent_rpcs=zoo.settings.max_connections,
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelServicer(parts), server)
    dataset_service_pb2_grpc.add_DatasetServiceServicer_to_server(DatasetServicer(parts), server)
    transferability_service_pb2_grpc.add_TransferabilityServiceServicer_to_server(
        TransferabilityServicer(parts), server
    )
    concept_service_pb2_grpc.add_ConceptServiceServicer_to_server(ConceptServicer(parts), server)
    accuracy_service_pb2_grpc.add_AccuracyServiceServicer_to_server(
        AccuracyServicer(parts), server
    )
    watchers = Watchers(_WATCHERS)
    jobs = JobServicer(parts, watchers=watchers)
    job_service_pb2_grpc.add_JobServiceServicer_to_server(jobs, server)
    events = EventServicer(parts, watchers=watchers)
    event_service_pb2_grpc.add_EventServiceServicer_to_server(events, server)
    method_service_pb2_grpc.add_MethodServiceServicer_to_server(MethodServicer(), server)
    key_service_pb2_grpc.add_KeyServiceServicer_to_server(KeyServicer(parts), server)
    audit_service_pb2_grpc.add_AuditServiceServicer_to_server(AuditServicer(parts), server)
    quota_service_pb2_grpc.add_QuotaServiceServicer_to_server(QuotaServicer(parts), server)
    health_pb2_grpc.add_HealthServicer_to_server(_HealthServicer(zoo), server)
    if zoo.settings.grpc_reflection:
        reflection.enable_server_reflection(
            (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), server
        )
    return server


def connection_options(settings: Settings) -> Sequence[tuple[str, int]]:
    """What gRPC itself enforces: timeouts of connections without calls, and caps."""
    header_ms, idle_ms = (
        int(1000 * seconds)
        for seconds in (settings.header_timeout_seconds, settings.idle_timeout_seconds)
    )
    return (
        ("grpc.server_handshake_timeout_ms", header_ms),
        ("grpc.http2.settings_timeout", header_ms),
        ("grpc.max_connection_idle_ms", idle_ms),
        ("grpc.max_connection_age_ms", 1000 * _CONNECTION_AGE_SECONDS),
        # A peer that does not answer a ping is gone, whatever its calls wait for.
        ("grpc.keepalive_time_ms", idle_ms),
        ("grpc.keepalive_timeout_ms", header_ms),
        ("grpc.max_allowed_incoming_connections", settings.max_connections),
        ("grpc.max_concurrent_streams", _THREADS),
        # gRPC refuses without a remedy what is larger; a little above our limits, we refuse.
        ("grpc.max_receive_message_length", 2 * max(FILE_BYTES, settings.max_json_bytes)),
    )


class _HealthServicer(health.HealthServicer):  # type: ignore[misc] # the package has no types
    """The server as a whole serves while it runs; a service of ours while the database answers."""

    def __init__(self, zoo: Zoo) -> None:
        super().__init__()
        self._zoo = zoo
        for name in ("", *SERVICES):
            self.set(name, health_pb2.HealthCheckResponse.SERVING)

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """The state of a service, or of the server if none is named."""
        if request.service in SERVICES and not self._database_answers():
            return health_pb2.HealthCheckResponse(
                status=health_pb2.HealthCheckResponse.NOT_SERVING
            )
        return super().Check(request, context)

    def _database_answers(self) -> bool:
        try:
            with self._zoo.transaction() as session:
                session.execute(text("SELECT 1"))
        except DATABASE_AWAY:
            return False
        return True
