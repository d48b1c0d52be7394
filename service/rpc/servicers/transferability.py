"""TransferabilityService: which network to start from, and how networks relate."""

from typing import Any

from sqlalchemy.orm import Session

from service.core.manifest import Strict
from service.core.operations import layer_selections, rankings
from service.core.operations.layer_requests import LayerReading, LayerSelectionRequest
from service.core.operations.ranking_requests import EdgeWeight, RankingRequest
from service.rpc import layer_messages, messages
from service.rpc.once import once
from service.rpc.parts import Call, Parts
from service.rpc.reading import fit, given, plain, struct
from service.rpc.servicers.maps import MapCalls
from service.rpc.stubs.zoo.v1 import transferability_service_pb2 as wire
from service.rpc.stubs.zoo.v1.transferability_service_pb2_grpc import (
    TransferabilityServiceServicer,
)


class _Weight(Strict):
    """λ by which a ranking is asked for."""

    edge_weight: EdgeWeight | None = None


class Transferability(MapCalls, TransferabilityServiceServicer):
    """Serves TransferabilityService."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._zoo = parts.zoo

    def Rank(self, request: wire.RankRequest, call: Call) -> wire.RankResponse:  # noqa: N802 - the name in the .proto file
        """Order networks for a target."""
        asked = fit(RankingRequest, _ranking_values(request), where="body")

        def work(session: Session) -> wire.RankResponse:
            record = rankings.create(session, project=call.project, request=asked)
            session.refresh(record)
            progress = rankings.progress(session, ranking=record)
            ranking = messages.ranking(record, edge_weight=record.edge_weight, progress=progress)
            return wire.RankResponse(ranking=ranking)

        values = asked.model_dump(mode="json")
        return once(self._zoo, call, request=values, shape=wire.RankResponse, work=work)

    def GetRanking(self, request: wire.GetRankingRequest, call: Call) -> wire.GetRankingResponse:  # noqa: N802
        """A ranking, with the edges weighed anew if asked for."""
        asked = fit(_Weight, {"edge_weight": given(request, "edge_weight")}, where="query")
        with self._zoo.transaction() as session:
            record = rankings.get(session, project=call.project, ranking_id=request.id)
            progress = rankings.progress(session, ranking=record)
        weight = rankings.weight_of(record, asked.edge_weight)
        ranking = messages.ranking(record, edge_weight=weight, progress=progress)
        return wire.GetRankingResponse(ranking=ranking)

    def SelectLayer(  # noqa: N802
        self, request: wire.SelectLayerRequest, call: Call
    ) -> wire.SelectLayerResponse:
        """Which layer of one network to build a target on."""
        asked = fit(LayerSelectionRequest, layer_messages.request_values(request), where="body")

        def work(session: Session) -> wire.SelectLayerResponse:
            record = layer_selections.create(session, project=call.project, request=asked)
            session.refresh(record)
            progress = layer_selections.progress(session, selection=record)
            told = layer_selections.told(record, edge_weight=asked.weight)
            return wire.SelectLayerResponse(selection=layer_messages.selection(told, progress))

        values = asked.model_dump(mode="json")
        return once(self._zoo, call, request=values, shape=wire.SelectLayerResponse, work=work)

    def GetLayerSelection(  # noqa: N802
        self, request: wire.GetLayerSelectionRequest, call: Call
    ) -> wire.GetLayerSelectionResponse:
        """A selection, read by another edge weight if asked for."""
        asked = fit(LayerReading, plain(request.reading), where="query")
        with self._zoo.transaction() as session:
            record = layer_selections.get(session, project=call.project, selection_id=request.id)
            progress = layer_selections.progress(session, selection=record)
        told = layer_selections.told(record, edge_weight=asked.weight)
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
