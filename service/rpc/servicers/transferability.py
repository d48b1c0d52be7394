"""TransferabilityService: which network to start from, and how networks relate."""

from sqlalchemy.orm import Session

from service.core.manifest import Strict
from service.core.operations import owned_rows
from service.core.operations.access.keys import Scope
from service.core.operations.layers import selections
from service.core.operations.layers.requests import LayerReading, LayerSelectionRequest
from service.core.operations.rankings import rankings
from service.core.operations.rankings.schemas import EdgeWeight, RankingRequest
from service.core.tables import LayerSelectionRecord, RankingRecord
from service.rpc.context import RpcCall
from service.rpc.from_proto import request_of
from service.rpc.idempotency import once
from service.rpc.scopes import requires
from service.rpc.servicers.maps import MapCalls
from service.rpc.stubs.zoo.v1 import layer_selection_pb2
from service.rpc.stubs.zoo.v1 import transferability_service_pb2 as wire
from service.rpc.stubs.zoo.v1.transferability_service_pb2_grpc import (
    TransferabilityServiceServicer,
)
from service.rpc.to_proto import to_proto
from service.views.layer_selections import layer_selection_view
from service.views.rankings import ranking_values


class _Weight(Strict):
    """λ to order a ranking by."""

    edge_weight: EdgeWeight | None = None


class TransferabilityServicer(MapCalls, TransferabilityServiceServicer):
    """Serves TransferabilityService."""

    @requires(Scope.JOBS)
    def Rank(self, request: wire.RankRequest, call: RpcCall) -> wire.RankResponse:
        """Order networks for a target."""
        new = request_of(RankingRequest, request, where="body")

        def work(session: Session) -> wire.RankResponse:
            record = rankings.create(session, project=call.project, request=new)
            session.refresh(record)
            return wire.RankResponse(ranking=_ranking(session, record, None))

        return once(self._zoo, call, request=new, shape=wire.RankResponse, work=work)

    @requires(Scope.READ)
    def GetRanking(
        self, request: wire.GetRankingRequest, call: RpcCall
    ) -> wire.GetRankingResponse:
        """A ranking, ordered by another edge weight if the request has one."""
        query = request_of(_Weight, request, where="query", without=("id",))
        with self._zoo.transaction() as session:
            record = owned_rows.get(session, RankingRecord, project=call.project, id=request.id)
            ranking = _ranking(session, record, query.edge_weight)
        return wire.GetRankingResponse(ranking=ranking)

    @requires(Scope.JOBS)
    def SelectLayer(
        self, request: wire.SelectLayerRequest, call: RpcCall
    ) -> wire.SelectLayerResponse:
        """Which layer of one network to build a target on."""
        new = request_of(LayerSelectionRequest, request, where="body")

        def work(session: Session) -> wire.SelectLayerResponse:
            record = selections.create(session, project=call.project, request=new)
            session.refresh(record)
            return wire.SelectLayerResponse(selection=_selection(session, record, new))

        return once(self._zoo, call, request=new, shape=wire.SelectLayerResponse, work=work)

    @requires(Scope.READ)
    def GetLayerSelection(
        self, request: wire.GetLayerSelectionRequest, call: RpcCall
    ) -> wire.GetLayerSelectionResponse:
        """A selection, read by another edge weight if the request has one."""
        query = request_of(LayerReading, request, where="query", without=("id",))
        with self._zoo.transaction() as session:
            record = owned_rows.get(
                session, LayerSelectionRecord, project=call.project, id=request.id
            )
            selection = _selection(session, record, query)
        return wire.GetLayerSelectionResponse(selection=selection)


def _ranking(session: Session, record: RankingRecord, edge_weight: float | None) -> wire.Ranking:
    values = ranking_values(
        record,
        edge_weight=rankings.weight_of(record, edge_weight),
        progress=rankings.progress(session, ranking=record),
    )
    return to_proto(values, wire.Ranking)


def _selection(
    session: Session, record: LayerSelectionRecord, reading: LayerReading
) -> layer_selection_pb2.LayerSelection:
    view = layer_selection_view(
        record,
        edge_weight=reading.weight,
        progress=selections.progress(session, selection=record),
    )
    return to_proto(view, layer_selection_pb2.LayerSelection)
