"""AccuracyService: accuracies that were measured, here or elsewhere."""

from typing import Any

from sqlalchemy.orm import Session

from service.core.operations.accuracies import accuracies
from service.core.operations.accuracies.accuracies import AccuracyFilter, NewAccuracies
from service.core.tables import AccuracyRecord
from service.rpc.context import RpcCall, RpcState
from service.rpc.from_proto import fit, given, page_size, plain
from service.rpc.idempotency import once
from service.rpc.stubs.zoo.v1 import accuracy_service_pb2 as wire
from service.rpc.stubs.zoo.v1.accuracy_service_pb2_grpc import AccuracyServiceServicer
from service.rpc.to_proto import moment

_TOLD = ("id", "model", "dataset", "metric", "value", "protocol", "seed", "source", "job_id")


class AccuracyServicer(AccuracyServiceServicer):
    """Serves AccuracyService."""

    def __init__(self, parts: RpcState) -> None:
        self._parts = parts
        self._zoo = parts.zoo

    def AddAccuracies(
        self, request: wire.AddAccuraciesRequest, call: RpcCall
    ) -> wire.AddAccuraciesResponse:
        """Keep measured accuracies, all or none."""
        items = [_new(one) for one in request.accuracies]
        asked = fit(NewAccuracies, {"accuracies": items}, where="body")

        def work(session: Session) -> wire.AddAccuraciesResponse:
            added = accuracies.add(session, project=call.project, measurements=asked.accuracies)
            rows = [_accuracy(row) for row in added.accuracies]
            return wire.AddAccuraciesResponse(accuracies=rows, new=added.new)

        values = asked.model_dump(mode="json")
        return once(self._zoo, call, request=values, shape=wire.AddAccuraciesResponse, work=work)

    def ListAccuracies(
        self, request: wire.ListAccuraciesRequest, call: RpcCall
    ) -> wire.ListAccuraciesResponse:
        """Accuracies that fit, newest first."""
        where = AccuracyFilter(given(request, "model"), given(request, "dataset"))
        scope = [call.project, "accuracies", where.model, where.dataset]
        with self._zoo.transaction() as session:
            found = accuracies.page(
                session,
                project=call.project,
                where=where,
                after=self._parts.tokens.read(given(request, "page_token"), scope=scope),
                limit=page_size(request),
            )
        return wire.ListAccuraciesResponse(
            accuracies=[_accuracy(one) for one in found.items],
            next_page_token=self._parts.tokens.make(found.next_after, scope=scope) or "",
        )

    def DeleteAccuracy(
        self, request: wire.DeleteAccuracyRequest, call: RpcCall
    ) -> wire.DeleteAccuracyResponse:
        """Delete an accuracy."""
        with self._zoo.transaction() as session:
            accuracies.delete(session, project=call.project, accuracy_id=request.id)
        return wire.DeleteAccuracyResponse()


def _new(message: wire.NewAccuracy) -> dict[str, Any]:
    """What is said of one measurement; numbers that JSON would leave out or put as text are kept."""
    values = {**plain(message), "value": message.value}
    return {**values, "seed": message.seed} if message.HasField("seed") else values


def _accuracy(row: AccuracyRecord) -> wire.Accuracy:
    values = {name: getattr(row, name) for name in _TOLD}
    known = {name: value for name, value in values.items() if value is not None}
    return wire.Accuracy(created_at=moment(row.created_at), **known)
