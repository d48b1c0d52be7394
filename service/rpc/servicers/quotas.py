"""QuotaService: what a project may use, and what it uses."""

from service.core.operations.access.keys import Scope
from service.rpc.context import RpcCall, Servicer
from service.rpc.from_proto import request_of
from service.rpc.scopes import requires
from service.rpc.stubs.zoo.v1 import quota_service_pb2 as wire
from service.rpc.stubs.zoo.v1.quota_service_pb2_grpc import QuotaServiceServicer
from service.rpc.to_proto import to_proto
from service.views.quotas import QuotaChangesView, QuotaQuery


class QuotaServicer(Servicer, QuotaServiceServicer):
    """Serves QuotaService."""

    @requires(Scope.READ)
    def GetQuotas(self, request: wire.GetQuotasRequest, call: RpcCall) -> wire.GetQuotasResponse:
        """The quotas of the caller's project, or of another one for an operator."""
        query = request_of(QuotaQuery, request, where="query")
        with self._zoo.transaction() as session:
            view = query.view(session, call.caller)
        return wire.GetQuotasResponse(quotas=to_proto(view, wire.Quotas))

    @requires(Scope.ADMIN, Scope.OPERATOR)
    def SetQuotas(self, request: wire.SetQuotasRequest, call: RpcCall) -> wire.SetQuotasResponse:
        """Give a project limits of its own, or those of the settings again."""
        changes = request_of(QuotaChangesView, request, where="body", without=("project",))
        with self._zoo.transaction() as session:
            view = changes.apply(session, call.caller, project=request.project)
        return wire.SetQuotasResponse(quotas=to_proto(view, wire.Quotas))
