"""The calls of TransferabilityService that are about maps."""

from collections.abc import Iterator
from typing import TypeVar

from sqlalchemy.orm import Session

from service.core.operations.access.keys import Scope
from service.core.operations.maps import files, maps
from service.core.operations.maps.requests import MapForm, MapRequest, NewMapRequest
from service.core.operations.maps.snapshot_lookup import summary
from service.core.tables import MapRecord
from service.rpc.context import RpcCall, Servicer
from service.rpc.from_proto import request_of
from service.rpc.idempotency import once
from service.rpc.scopes import requires
from service.rpc.streaming import pieces
from service.rpc.stubs.zoo.v1 import job_pb2
from service.rpc.stubs.zoo.v1 import transferability_service_pb2 as wire
from service.rpc.to_proto import to_proto
from service.views.jobs import JobView
from service.views.maps import MapSnapshotView, snapshots_page
from service.views.paging import PageQuery

M = TypeVar("M", wire.GetMapResponse, wire.GetMapSnapshotResponse)


class MapCalls(Servicer):
    """CreateMap, GetMap, ListMaps and GetMapSnapshot."""

    @requires(Scope.JOBS)
    def CreateMap(self, request: wire.CreateMapRequest, call: RpcCall) -> wire.CreateMapResponse:
        """The map of all networks measured so far, or the job that draws it."""
        new = request_of(NewMapRequest, request, where="body")

        def work(session: Session) -> wire.CreateMapResponse:
            created = maps.create(
                session, project=call.project, dataset_id=new.dataset_id, look=new
            )
            if created.map is not None:
                return wire.CreateMapResponse(snapshot=_snapshot(created.map))
            assert created.job is not None
            return wire.CreateMapResponse(job=to_proto(JobView.of(created.job), job_pb2.Job))

        return once(self._zoo, call, request=new, shape=wire.CreateMapResponse, work=work)

    @requires(Scope.READ)
    def GetMap(self, request: wire.GetMapRequest, call: RpcCall) -> Iterator[wire.GetMapResponse]:
        """The map of all networks measured so far, as it was drawn before."""
        query = request_of(MapRequest, request, where="query", without=("dataset_id",))
        with self._zoo.transaction() as session:
            record = maps.drawn(
                session, project=call.project, dataset_id=request.dataset_id, look=query.look
            )
        yield from self._parts_of(record, query, wire.GetMapResponse)

    @requires(Scope.READ)
    def ListMaps(self, request: wire.ListMapsRequest, call: RpcCall) -> wire.ListMapsResponse:
        """All maps of a probe set, newest first."""
        query = request_of(PageQuery, request, where="query", without=("dataset_id",))
        with self._zoo.transaction() as session:
            view = snapshots_page(
                session,
                self._parts.tokens,
                query,
                project=call.project,
                dataset_id=request.dataset_id,
            )
        return to_proto(view, wire.ListMapsResponse)

    @requires(Scope.READ)
    def GetMapSnapshot(
        self, request: wire.GetMapSnapshotRequest, call: RpcCall
    ) -> Iterator[wire.GetMapSnapshotResponse]:
        """A map as it was drawn once."""
        form = request_of(MapForm, request, where="query", without=("dataset_id", "map_id"))
        with self._zoo.transaction() as session:
            record = maps.snapshot(
                session,
                project=call.project,
                dataset_id=request.dataset_id,
                map_id=request.map_id,
            )
        yield from self._parts_of(record, form, wire.GetMapSnapshotResponse)

    def _parts_of(self, record: MapRecord, form: MapForm, shape: type[M]) -> Iterator[M]:
        """What the file is, then its bytes while they are written."""
        zoo = self._zoo
        with zoo.transaction() as session:
            file = files.file_of(session, record=record, form=form, blobs=zoo.blobs)
        info = wire.MapInfo(snapshot=_snapshot(record), media_type=file.media_type)
        yield shape(info=info)
        for piece in pieces(file.chunks):
            yield shape(chunk=piece)


def _snapshot(record: MapRecord) -> wire.MapSnapshot:
    return to_proto(MapSnapshotView.of(summary(record)), wire.MapSnapshot)
