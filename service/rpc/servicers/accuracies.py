"""RecordService: accuracies that were measured, here or elsewhere."""

from sqlalchemy.orm import Session

from service.core.operations.access.keys import Scope
from service.core.operations.accuracies import accuracies
from service.core.operations.accuracies.accuracies import NewAccuracies
from service.rpc.context import RpcCall, RpcState
from service.rpc.from_proto import request_of
from service.rpc.idempotency import once
from service.rpc.scopes import requires
from service.rpc.stubs.zoo.v1 import record_service_pb2 as wire
from service.rpc.stubs.zoo.v1.record_service_pb2_grpc import RecordServiceServicer
from service.rpc.to_proto import to_proto
from service.views.accuracies import AccuracyQuery, AccuracyView, AddedAccuraciesView
from service.views.paging import list_view


class AccuracyServicer(RecordServiceServicer):
    """Serves RecordService."""

    def __init__(self, parts: RpcState) -> None:
        self._parts = parts
        self._zoo = parts.zoo

    @requires(Scope.WRITE)
    def AddRecords(
        self, request: wire.AddRecordsRequest, call: RpcCall
    ) -> wire.AddRecordsResponse:
        """Keep measured accuracies, all or none."""
        new = request_of(NewAccuracies, request, where="body")

        def work(session: Session) -> wire.AddRecordsResponse:
            added = accuracies.add(session, project=call.project, given=new.records)
            view = AddedAccuraciesView.of(added.records, new=added.new)
            return to_proto(view, wire.AddRecordsResponse)

        values = new.model_dump(mode="json")
        return once(self._zoo, call, request=values, shape=wire.AddRecordsResponse, work=work)

    @requires(Scope.READ)
    def ListRecords(
        self, request: wire.ListRecordsRequest, call: RpcCall
    ) -> wire.ListRecordsResponse:
        """Records that fit, newest first."""
        query = request_of(AccuracyQuery, request, where="query")
        with self._zoo.transaction() as session:
            view = list_view(
                lambda after: accuracies.page(
                    session,
                    project=call.project,
                    where=query.filter,
                    after=after,
                    limit=query.page_size,
                ),
                AccuracyView.of,
                tokens=self._parts.tokens,
                token=query.page_token,
                scope=[call.project, "records", query.model, query.dataset],
            )
        return to_proto(view, wire.ListRecordsResponse)

    @requires(Scope.WRITE)
    def DeleteRecord(
        self, request: wire.DeleteRecordRequest, call: RpcCall
    ) -> wire.DeleteRecordResponse:
        """Forget a record."""
        with self._zoo.transaction() as session:
            accuracies.delete(session, project=call.project, record_id=request.id)
        return wire.DeleteRecordResponse()
