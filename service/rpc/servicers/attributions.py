"""The calls of ModelService that are about heat maps."""

from sqlalchemy.orm import Session

from service.core.operations.access.keys import Scope
from service.core.operations.heat_map_requests import HeatMapLook, HeatMapRequest
from service.core.operations.measurements import heat_maps
from service.rpc.context import RpcCall, Servicer
from service.rpc.from_proto import request_of
from service.rpc.idempotency import once
from service.rpc.scopes import requires
from service.rpc.stubs.zoo.v1 import job_pb2
from service.rpc.stubs.zoo.v1 import model_service_pb2 as wire
from service.rpc.to_proto import to_proto
from service.views.jobs import JobView

_PATH = ("id", "dataset_id", "index")


class AttributionCalls(Servicer):
    """GetAttribution and CreateAttributions."""

    @requires(Scope.READ)
    def GetAttribution(
        self, request: wire.GetAttributionRequest, call: RpcCall
    ) -> wire.GetAttributionResponse:
        """The heat map of one image."""
        look = request_of(HeatMapLook, request, where="query", without=_PATH)
        zoo = self._zoo
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

    @requires(Scope.JOBS)
    def CreateAttributions(
        self, request: wire.CreateAttributionsRequest, call: RpcCall
    ) -> wire.CreateAttributionsResponse:
        """Draw the heat maps of several networks on several images, as one job."""
        new = request_of(HeatMapRequest, request, where="body")

        def work(session: Session) -> wire.CreateAttributionsResponse:
            job = heat_maps.create(session, project=call.project, request=new)
            return wire.CreateAttributionsResponse(job=to_proto(JobView.of(job), job_pb2.Job))

        return once(self._zoo, call, request=new, shape=wire.CreateAttributionsResponse, work=work)
