"""The calls of ModelService that are about families."""

from service.core.operations.access.keys import Scope
from service.core.operations.families import families
from service.core.operations.families.families import FamilyConfirmation
from service.rpc.context import RpcCall, Servicer
from service.rpc.from_proto import request_of
from service.rpc.scopes import requires
from service.rpc.stubs.zoo.v1 import model_service_pb2 as wire
from service.rpc.to_proto import to_proto
from service.views.families import FamilyView, RelativeView


class FamilyCalls(Servicer):
    """GetFamily and ConfirmFamily."""

    @requires(Scope.READ)
    def GetFamily(self, request: wire.GetFamilyRequest, call: RpcCall) -> wire.GetFamilyResponse:
        """The relatives of a network by its weights."""
        with self._zoo.transaction() as session:
            relatives = families.family(session, project=call.project, model_id=request.id)
        return to_proto(FamilyView.of(request.id, relatives), wire.GetFamilyResponse)

    @requires(Scope.WRITE)
    def ConfirmFamily(
        self, request: wire.ConfirmFamilyRequest, call: RpcCall
    ) -> wire.ConfirmFamilyResponse:
        """A relative whose descent is now part of the lineage."""
        body = request_of(FamilyConfirmation, request, where="body", without=("id",))
        with self._zoo.transaction() as session:
            relative = families.confirm(
                session, project=call.project, model_id=request.id, confirmation=body
            )
        return wire.ConfirmFamilyResponse(
            relative=to_proto(RelativeView.of(relative), wire.Relative)
        )
