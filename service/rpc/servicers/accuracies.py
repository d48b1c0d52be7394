"""AccuracyService: accuracies that were measured, here or elsewhere."""

from sqlalchemy.orm import Session

from service.core.operations.access.keys import Scope
from service.core.operations.accuracies import accuracies
from service.core.operations.accuracies.accuracies import NewAccuracies
from service.rpc.context import RpcCall, Servicer
from service.rpc.from_proto import request_of
from service.rpc.idempotency import once
from service.rpc.messages import MessageSize
from service.rpc.scopes import requires
from service.rpc.stubs.zoo.v1 import accuracy_service_pb2 as wire
from service.rpc.stubs.zoo.v1.accuracy_service_pb2_grpc import AccuracyServiceServicer
from service.rpc.to_proto import to_proto
from service.views.accuracies import AccuracyQuery, AddedAccuraciesView


class AccuracyServicer(Servicer, AccuracyServiceServicer):
    """Serves AccuracyService."""

    @requires(Scope.WRITE, size=MessageSize.LONG)
    def AddAccuracies(
        self, request: wire.AddAccuraciesRequest, call: RpcCall
    ) -> wire.AddAccuraciesResponse:
        """Keep measured accuracies, all or none."""
        new = request_of(NewAccuracies, request, where="body")

        def work(session: Session) -> wire.AddAccuraciesResponse:
            added = accuracies.add(session, project=call.project, measurements=new.accuracies)
            view = AddedAccuraciesView.of(added.accuracies, new=added.new)
            return to_proto(view, wire.AddAccuraciesResponse)

        return once(self._zoo, call, request=new, shape=wire.AddAccuraciesResponse, work=work)

    @requires(Scope.READ)
    def ListAccuracies(
        self, request: wire.ListAccuraciesRequest, call: RpcCall
    ) -> wire.ListAccuraciesResponse:
        """Accuracies that fit, newest first."""
        query = request_of(AccuracyQuery, request, where="query")
        with self._zoo.transaction() as session:
            view = query.page(session, self._parts.tokens, project=call.project)
        return to_proto(view, wire.ListAccuraciesResponse)

    @requires(Scope.WRITE)
    def DeleteAccuracy(
        self, request: wire.DeleteAccuracyRequest, call: RpcCall
    ) -> wire.DeleteAccuracyResponse:
        """Delete an accuracy."""
        with self._zoo.transaction() as session:
            accuracies.delete(session, project=call.project, accuracy_id=request.id)
        return wire.DeleteAccuracyResponse()
