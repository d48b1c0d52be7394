"""TransferabilityService: which network to start from, and how networks relate."""

from typing import Any

from sqlalchemy.orm import Session

from service.core.manifest import Strict
from service.core.operations import owned_rows
from service.core.operations.layers import selections
from service.core.operations.layers.requests import LayerReading, LayerSelectionRequest
from service.core.operations.rankings import rankings
from service.core.operations.rankings.schemas import EdgeWeight, RankingRequest
from service.core.tables import LayerSelectionRecord, RankingRecord
from service.rpc import layer_selections as layer_messages
from service.rpc import to_proto
from service.rpc.context import RpcCall, RpcState
from service.rpc.from_proto import fit, given, plain, struct
from service.rpc.idempotency import once
from service.rpc.servicers.maps import MapCalls
from service.rpc.stubs.zoo.v1 import transferability_service_pb2 as wire
from service.rpc.stubs.zoo.v1.transferability_service_pb2_grpc import (
    TransferabilityServiceServicer,
)


class _Weight(Strict):
    """λ by which a ranking is asked for."""

    edge_weight: EdgeWeight | None = None


class TransferabilityServicer(MapCalls, TransferabilityServiceServicer):
    """Serves TransferabilityService."""

    def __init__(self, parts: RpcState) -> None:
        super().__init__(parts)
        self._zoo = parts.zoo

    def Rank(self, request: wire.RankRequest, call: RpcCall) -> wire.RankResponse:
        """Order networks for a target."""
        asked = fit(RankingRequest, _ranking_values(request), where="body")

        def work(session: Session) -> wire.RankResponse:
            record = rankings.create(session, project=call.project, request=asked)
            session.refresh(record)
            progress = rankings.progress(session, ranking=record)
            ranking = to_proto.ranking(record, edge_weight=record.edge_weight, progress=progress)
            return wire.RankResponse(ranking=ranking)

        values = asked.model_dump(mode="json")
        return once(self._zoo, call, request=values, shape=wire.RankResponse, work=work)

    def GetRanking(
        self, request: wire.GetRankingRequest, call: RpcCall
    ) -> wire.GetRankingResponse:
        """A ranking, with the edges weighed anew if asked for."""
        asked = fit(_Weight, {"edge_weight": given(request, "edge_weight")}, where="query")
        with self._zoo.transaction() as session:
            record = owned_rows.get(session, RankingRecord, project=call.project, id=request.id)
            progress = rankings.progress(session, ranking=record)
        weight = rankings.weight_of(record, asked.edge_weight)
        ranking = to_proto.ranking(record, edge_weight=weight, progress=progress)
        return wire.GetRankingResponse(ranking=ranking)

    def SelectLayer(
        self, request: wire.SelectLayerRequest, call: RpcCall
    ) -> wire.SelectLayerResponse:
        """Which layer of one network to build a target on."""
        asked = fit(LayerSelectionRequest, layer_messages.request_values(request), where="body")

        def work(session: Session) -> wire.SelectLayerResponse:
            record = selections.create(session, project=call.project, request=asked)
            session.refresh(record)
            progress = selections.progress(session, selection=record)
            told = selections.values_of(record, edge_weight=asked.weight)
            return wire.SelectLayerResponse(selection=layer_messages.selection(told, progress))

        values = asked.model_dump(mode="json")
        return once(self._zoo, call, request=values, shape=wire.SelectLayerResponse, work=work)

    def GetLayerSelection(
        self, request: wire.GetLayerSelectionRequest, call: RpcCall
    ) -> wire.GetLayerSelectionResponse:
        """A selection, read by another edge weight if asked for."""
        asked = fit(LayerReading, plain(request.reading), where="query")
        with self._zoo.transaction() as session:
            record = owned_rows.get(
                session, LayerSelectionRecord, project=call.project, id=request.id
            )
            progress = selections.progress(session, selection=record)
        told = selections.values_of(record, edge_weight=asked.weight)
        return wire.GetLayerSelectionResponse(selection=layer_messages.selection(told, progress))


def _ranking_values(request: wire.RankRequest) -> dict[str, Any]:
    """The request as REST words it."""
    values = plain(request)
    if request.HasField("settings"):
        values["settings"] = struct(request.settings)
    if request.HasField("candidates"):
        values["candidates"] = _candidates(request.candidates)
    values.setdefault("target", {})
    return values


def _candidates(given_: wire.Candidates) -> dict[str, Any]:
    match given_.WhichOneof("kind"):
        case "model_ids":
            return {"model_ids": list(given_.model_ids.ids)}
        case "filter":
            return {"filter": plain(given_.filter)}
    return {}
