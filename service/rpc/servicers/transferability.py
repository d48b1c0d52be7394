"""TransferabilityService: which network to start from, and how networks relate."""

from sqlalchemy.orm import Session

from service.core.operations import owned_rows, stored_answers
from service.core.operations.access.keys import Scope
from service.core.operations.layers import selections
from service.core.operations.layers.requests import LayerReading, LayerSelectionRequest
from service.core.operations.rankings import rankings
from service.core.operations.rankings.schemas import RankingRequest
from service.core.tables import LayerSelectionRecord, RankingRecord
from service.rpc.context import RpcCall
from service.rpc.from_proto import request_of
from service.rpc.idempotency import once
from service.rpc.messages import MessageSize
from service.rpc.scopes import requires
from service.rpc.servicers.maps import MapCalls
from service.rpc.stubs.zoo.v1 import layer_selection_pb2
from service.rpc.stubs.zoo.v1 import transferability_service_pb2 as wire
from service.rpc.stubs.zoo.v1.transferability_service_pb2_grpc import (
    TransferabilityServiceServicer,
)
from service.rpc.to_proto import to_proto
from service.views.layer_selections import LayerSelectionQuery, layer_selection_view
from service.views.rankings import (
    RankingEstimateView,
    RankingQuery,
    RankingReading,
    ranking_values,
)


class TransferabilityServicer(MapCalls, TransferabilityServiceServicer):
    """Serves TransferabilityService."""

    @requires(Scope.JOBS, size=MessageSize.LONG)
    def Rank(self, request: wire.RankRequest, call: RpcCall) -> wire.RankResponse:
        """Order networks for a target."""
        new = request_of(RankingRequest, request, where="body")

        def work(session: Session) -> wire.RankResponse:
            record = rankings.create(session, project=call.project, request=new)
            session.refresh(record)
            return wire.RankResponse(ranking=_ranking(session, record, RankingReading()))

        return once(self._zoo, call, request=new, shape=wire.RankResponse, work=work)

    @requires(Scope.JOBS, size=MessageSize.LONG)
    def EstimateRanking(
        self, request: wire.EstimateRankingRequest, call: RpcCall
    ) -> wire.EstimateRankingResponse:
        """How long a ranking would take; nothing is started."""
        new = request_of(RankingRequest, request.ranking, where="body")
        with self._zoo.transaction() as session:
            view = RankingEstimateView.of(session, self._zoo, project=call.project, request=new)
        return wire.EstimateRankingResponse(estimate=to_proto(view, wire.RankingEstimate))

    @requires(Scope.READ)
    def GetRanking(
        self, request: wire.GetRankingRequest, call: RpcCall
    ) -> wire.GetRankingResponse:
        """A ranking, ordered by another edge weight if the request has one."""
        reading = request_of(RankingReading, request, where="query", without=("id",))
        with self._zoo.transaction() as session:
            record = owned_rows.get(session, RankingRecord, project=call.project, id=request.id)
            ranking = _ranking(session, record, reading)
        return wire.GetRankingResponse(ranking=ranking)

    @requires(Scope.READ)
    def ListRankings(
        self, request: wire.ListRankingsRequest, call: RpcCall
    ) -> wire.ListRankingsResponse:
        """Rankings that fit, newest first."""
        query = request_of(RankingQuery, request, where="query")
        with self._zoo.transaction() as session:
            view = query.page(session, self._parts.tokens, project=call.project)
        return to_proto(view, wire.ListRankingsResponse)

    @requires(Scope.JOBS, size=MessageSize.LONG)
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

    @requires(Scope.READ)
    def ListLayerSelections(
        self, request: wire.ListLayerSelectionsRequest, call: RpcCall
    ) -> wire.ListLayerSelectionsResponse:
        """Layer selections that fit, newest first."""
        query = request_of(LayerSelectionQuery, request, where="query")
        with self._zoo.transaction() as session:
            view = query.page(session, self._parts.tokens, project=call.project)
        return to_proto(view, wire.ListLayerSelectionsResponse)


def _ranking(session: Session, record: RankingRecord, reading: RankingReading) -> wire.Ranking:
    values = ranking_values(
        record,
        edge_weight=rankings.weight_of(record, reading.edge_weight),
        progress=rankings.progress(session, ranking=record),
        limit=reading.limit,
    )
    return to_proto(values, wire.Ranking)


def _selection(
    session: Session, record: LayerSelectionRecord, reading: LayerReading
) -> layer_selection_pb2.LayerSelection:
    view = layer_selection_view(
        record,
        edge_weight=reading.weight,
        progress=stored_answers.progress(session, record),
    )
    return to_proto(view, layer_selection_pb2.LayerSelection)
