"""RecordService: accuracies that were measured, here or elsewhere."""

from typing import Any

from sqlalchemy.orm import Session

from service.core.operations.accuracies import accuracies
from service.core.operations.accuracies.accuracies import AccuracyFilter, NewAccuracies
from service.core.tables import AccuracyRecord
from service.rpc.context import RpcCall, RpcState
from service.rpc.from_proto import fit, given, page_size, plain
from service.rpc.idempotency import once
from service.rpc.stubs.zoo.v1 import record_service_pb2 as wire
from service.rpc.stubs.zoo.v1.record_service_pb2_grpc import RecordServiceServicer
from service.rpc.to_proto import moment

_TOLD = ("id", "model", "dataset", "metric", "value", "protocol", "seed", "source", "job_id")


class AccuracyServicer(RecordServiceServicer):
    """Serves RecordService."""

    def __init__(self, parts: RpcState) -> None:
        self._parts = parts
        self._zoo = parts.zoo

    def AddRecords(
        self, request: wire.AddRecordsRequest, call: RpcCall
    ) -> wire.AddRecordsResponse:
        """Keep measured accuracies, all or none."""
        records = [_new(one) for one in request.records]
        asked = fit(NewAccuracies, {"records": records}, where="body")

        def work(session: Session) -> wire.AddRecordsResponse:
            added = accuracies.add(session, project=call.project, measurements=asked.records)
            records = [_record(one) for one in added.records]
            return wire.AddRecordsResponse(records=records, new=added.new)

        values = asked.model_dump(mode="json")
        return once(self._zoo, call, request=values, shape=wire.AddRecordsResponse, work=work)

    def ListRecords(
        self, request: wire.ListRecordsRequest, call: RpcCall
    ) -> wire.ListRecordsResponse:
        """Records that fit, newest first."""
        where = AccuracyFilter(given(request, "model"), given(request, "dataset"))
        scope = [call.project, "records", where.model, where.dataset]
        with self._zoo.transaction() as session:
            found = accuracies.page(
                session,
                project=call.project,
                where=where,
                after=self._parts.tokens.read(given(request, "page_token"), scope=scope),
                limit=page_size(request),
            )
        return wire.ListRecordsResponse(
            records=[_record(one) for one in found.items],
            next_page_token=self._parts.tokens.make(found.next_after, scope=scope) or "",
        )

    def DeleteRecord(
        self, request: wire.DeleteRecordRequest, call: RpcCall
    ) -> wire.DeleteRecordResponse:
        """Forget a record."""
        with self._zoo.transaction() as session:
            accuracies.delete(session, project=call.project, record_id=request.id)
        return wire.DeleteRecordResponse()


def _new(message: wire.NewRecord) -> dict[str, Any]:
    """What is said of one measurement; numbers that JSON would leave out or put as text are kept."""
    values = {**plain(message), "value": message.value}
    return {**values, "seed": message.seed} if message.HasField("seed") else values


def _record(record: AccuracyRecord) -> wire.Record:
    values = {name: getattr(record, name) for name in _TOLD}
    known = {name: value for name, value in values.items() if value is not None}
    return wire.Record(created_at=moment(record.created_at), **known)
