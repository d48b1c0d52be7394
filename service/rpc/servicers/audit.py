"""AuditService: who did what."""

from collections.abc import Iterator

from service.core.operations.access.keys import Scope
from service.rpc.context import RpcCall, Servicer
from service.rpc.from_proto import request_of
from service.rpc.scopes import requires
from service.rpc.stubs.zoo.v1 import audit_service_pb2 as wire
from service.rpc.stubs.zoo.v1.audit_service_pb2_grpc import AuditServiceServicer
from service.rpc.to_proto import to_proto
from service.views.audit import AuditPeriod


class AuditServicer(Servicer, AuditServiceServicer):
    """Serves AuditService."""

    @requires(Scope.ADMIN, Scope.OPERATOR)
    def ExportAudit(
        self, request: wire.ExportAuditRequest, call: RpcCall
    ) -> Iterator[wire.ExportAuditResponse]:
        """The log of the caller's project, or of all for an operator, oldest call first."""
        period = request_of(AuditPeriod, request, where="query")
        for event in period.events(self._zoo, call.caller):
            yield wire.ExportAuditResponse(event=to_proto(event, wire.AuditEvent))
