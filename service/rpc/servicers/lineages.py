"""The call of ModelService that is about lineages."""

from collections.abc import Iterator

from service.core.lineage.files import LineageFormat, file_of
from service.core.operations.access.keys import Scope
from service.core.operations.lineages import lineages
from service.core.operations.lineages.lineages import LineageRequest
from service.rpc.context import RpcCall, Servicer
from service.rpc.from_proto import request_of
from service.rpc.scopes import requires
from service.rpc.streaming import pieces
from service.rpc.stubs.zoo.v1 import model_service_pb2 as wire
from service.rpc.to_proto import to_proto
from service.views.lineages import LineageView


class LineageCalls(Servicer):
    """GetLineage."""

    @requires(Scope.READ)
    def GetLineage(
        self, request: wire.GetLineageRequest, call: RpcCall
    ) -> Iterator[wire.GetLineageResponse]:
        """What a network was made from, and what was made from it."""
        query = request_of(LineageRequest, request, where="query", without=("id",))
        with self._zoo.transaction() as session:
            graph = lineages.lineage(
                session, project=call.project, model_id=request.id, request=query
            )
        if query.format is LineageFormat.JSON:
            lineage = to_proto(LineageView.of(graph), wire.Lineage)
            yield wire.GetLineageResponse(lineage=lineage)
            return
        for chunk in pieces([file_of(graph, query.format, query.theme).content]):
            yield wire.GetLineageResponse(chunk=chunk)
