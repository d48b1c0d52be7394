"""TransferabilityService: which network to start from, and how networks relate."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field
from sqlalchemy.orm import Session

from service.core.catalogue.measurement import Metric
from service.core.catalogue.transferability_map import Linkage
from service.core.manifest import Strict
from service.core.operations import map_files, maps, rankings
from service.core.operations.keys import Scope
from service.core.operations.map_files import MapFormat, Picture
from service.core.operations.maps import MapOrJob
from service.core.operations.ranking_requests import EdgeWeight, RankingRequest
from service.core.records import MapRecord
from service.rpc import messages
from service.rpc.once import once
from service.rpc.parts import Call, Parts
from service.rpc.reading import fit, given, plain, struct
from service.rpc.sending import pieces
from service.rpc.stubs.zoo.v1 import transferability_service_pb2 as wire
from service.rpc.stubs.zoo.v1.transferability_service_pb2_grpc import (
    TransferabilityServiceServicer,
)


class _MapAsked(Strict):
    """Which map is asked for, and in which form."""

    metric: Metric = Metric.DEPARA
    edge_weight: EdgeWeight | None = None
    linkage: Linkage = Linkage.SINGLE
    form: MapFormat = Field(MapFormat.JSON, alias="format")
    picture: Picture = Picture.MATRIX


class _Weight(Strict):
    """λ by which a ranking is asked for."""

    edge_weight: EdgeWeight | None = None


class Transferability(TransferabilityServiceServicer):
    """Serves TransferabilityService."""

    def __init__(self, parts: Parts) -> None:
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

    def GetMap(self, request: wire.GetMapRequest, call: Call) -> Iterator[wire.GetMapResponse]:  # noqa: N802
        """The map of all networks measured so far, or the job that draws it."""
        said = {name: value for name, value in plain(request).items() if name != "dataset_id"}
        asked = fit(_MapAsked, said, where="query")
        found = self._latest(request.dataset_id, call, asked)
        if found.map is None:
            assert found.job is not None
            yield wire.GetMapResponse(job=messages.job(found.job))
            return
        yield from self._file(found.map, asked)

    def _latest(self, dataset_id: str, call: Call, asked: _MapAsked) -> MapOrJob:
        params = map_files.params_for(
            asked.metric, edge_weight=asked.edge_weight, linkage=asked.linkage
        )
        with self._zoo.transaction() as session:
            found = maps.latest(
                session, project=call.project, dataset_id=dataset_id, params=params
            )
            if found.map is None:
                call.caller.require(Scope.JOBS)
            return found

    def _file(self, record: MapRecord, asked: _MapAsked) -> Iterator[wire.GetMapResponse]:
        with self._zoo.transaction() as session:
            file = map_files.file_of(
                session,
                record=record,
                form=asked.form,
                picture=asked.picture,
                blobs=self._zoo.blobs,
            )
        info = wire.MapInfo(
            id=record.id,
            job_id=record.job_id,
            media_type=file.media_type,
            created_at=messages.moment(record.created_at),
        )
        yield wire.GetMapResponse(info=info)
        for piece in pieces(file.chunks):
            yield wire.GetMapResponse(chunk=piece)


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
