"""The calls of ModelService that are about heat maps."""

from typing import Any

from sqlalchemy.orm import Session

from service.core.operations.heat_map_requests import HeatMapLook, HeatMapRequest
from service.core.operations.measurements import heat_maps
from service.rpc import to_proto
from service.rpc.context import RpcCall, RpcState
from service.rpc.from_proto import fit, given
from service.rpc.idempotency import once
from service.rpc.stubs.zoo.v1 import model_service_pb2 as wire

_LOOK = ("method", "layer", "style")


class AttributionCalls:
    """GetAttribution and CreateAttributions."""

    def __init__(self, parts: RpcState) -> None:
        self._parts = parts

    def GetAttribution(
        self, request: wire.GetAttributionRequest, call: RpcCall
    ) -> wire.GetAttributionResponse:
        """The heat map of one image."""
        look = fit(HeatMapLook, _look(request), where="query")
        zoo = self._parts.zoo
        with zoo.transaction() as session:
            picture = heat_maps.picture(
                session,
                project=call.project,
                model_id=request.id,
                dataset_id=request.dataset_id,
                position=request.index,
                look=look,
            )
        return wire.GetAttributionResponse(png=b"".join(zoo.blobs.read(picture.sha256)))

    def CreateAttributions(
        self, request: wire.CreateAttributionsRequest, call: RpcCall
    ) -> wire.CreateAttributionsResponse:
        """Draw the heat maps of several networks on several images, as one job."""
        asked = fit(HeatMapRequest, _request(request), where="body")

        def work(session: Session) -> wire.CreateAttributionsResponse:
            job = heat_maps.create(session, project=call.project, request=asked)
            return wire.CreateAttributionsResponse(job=to_proto.job(job))

        values = asked.model_dump(mode="json")
        shape = wire.CreateAttributionsResponse
        return once(self._parts.zoo, call, request=values, shape=shape, work=work)


def _look(request: Any) -> dict[str, Any]:
    values = {name: given(request, name) for name in _LOOK}
    return {name: value for name, value in values.items() if value is not None}


def _request(request: wire.CreateAttributionsRequest) -> dict[str, Any]:
    """The request as REST words it."""
    values: dict[str, Any] = {
        "model_ids": list(request.model_ids),
        "dataset_id": request.dataset_id,
    }
    match request.WhichOneof("images"):
        case "indices":
            values["indices"] = list(request.indices.positions)
        case "range":
            values["indices"] = {"start": request.range.start, "stop": request.range.stop}
    return {**values, **_look(request)}
