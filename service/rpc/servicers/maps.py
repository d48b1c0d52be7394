"""The calls of TransferabilityService that are about maps."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from service.core.operations.maps import files, maps
from service.core.operations.maps.requests import MapForm, MapRequest, NewMapRequest
from service.core.operations.maps.snapshot_lookup import Snapshot, summary
from service.core.tables import MapRecord
from service.rpc import to_proto
from service.rpc.context import RpcCall, RpcState
from service.rpc.from_proto import fit, given, page_size, plain
from service.rpc.idempotency import once
from service.rpc.streaming import pieces
from service.rpc.stubs.zoo.v1 import transferability_service_pb2 as wire


class MapCalls:
    """CreateMap, GetMap, ListMaps and GetMapSnapshot."""

    def __init__(self, parts: RpcState) -> None:
        self._parts = parts

    def CreateMap(self, request: wire.CreateMapRequest, call: RpcCall) -> wire.CreateMapResponse:
        """The map of all networks measured so far, or the job that draws it."""
        asked = fit(NewMapRequest, plain(request), where="body")

        def work(session: Session) -> wire.CreateMapResponse:
            found = maps.create(
                session, project=call.project, dataset_id=asked.dataset_id, look=asked
            )
            if found.map is not None:
                return wire.CreateMapResponse(snapshot=_snapshot(summary(found.map)))
            assert found.job is not None
            return wire.CreateMapResponse(job=to_proto.job(found.job))

        values = asked.model_dump(mode="json")
        shape = wire.CreateMapResponse
        return once(self._parts.zoo, call, request=values, shape=shape, work=work)

    def GetMap(self, request: wire.GetMapRequest, call: RpcCall) -> Iterator[wire.GetMapResponse]:
        """The map of all networks measured so far, as it was drawn before."""
        said = {name: value for name, value in plain(request).items() if name != "dataset_id"}
        asked = fit(MapRequest, said, where="query")
        with self._parts.zoo.transaction() as session:
            record = maps.drawn(
                session, project=call.project, dataset_id=request.dataset_id, look=asked.look
            )
        for part in self._parts_of(record, asked):
            yield (
                wire.GetMapResponse(chunk=part)
                if isinstance(part, bytes)
                else wire.GetMapResponse(info=part)
            )

    def ListMaps(self, request: wire.ListMapsRequest, call: RpcCall) -> wire.ListMapsResponse:
        """All maps of a probe set, newest first."""
        scope = [call.project, "maps", request.dataset_id]
        with self._parts.zoo.transaction() as session:
            page = maps.snapshots(
                session,
                project=call.project,
                dataset_id=request.dataset_id,
                after=self._parts.tokens.read(given(request, "page_token"), scope=scope),
                limit=page_size(request),
            )
        return wire.ListMapsResponse(
            snapshots=[_snapshot(one) for one in page.items],
            next_page_token=self._parts.tokens.make(page.next_after, scope=scope) or "",
        )

    def GetMapSnapshot(
        self, request: wire.GetMapSnapshotRequest, call: RpcCall
    ) -> Iterator[wire.GetMapSnapshotResponse]:
        """A map as it was drawn once."""
        said = {name: given(request, name) for name in ("format", "picture", "theme")}
        asked = fit(MapForm, {k: v for k, v in said.items() if v is not None}, where="query")
        with self._parts.zoo.transaction() as session:
            record = maps.snapshot(
                session,
                project=call.project,
                dataset_id=request.dataset_id,
                map_id=request.map_id,
            )
        for part in self._parts_of(record, asked):
            yield (
                wire.GetMapSnapshotResponse(chunk=part)
                if isinstance(part, bytes)
                else wire.GetMapSnapshotResponse(info=part)
            )

    def _parts_of(self, record: MapRecord, form: MapForm) -> Iterator[wire.MapInfo | bytes]:
        """What the file is, then its bytes while they are written."""
        zoo = self._parts.zoo
        with zoo.transaction() as session:
            file = files.file_of(session, record=record, form=form, blobs=zoo.blobs)
        yield wire.MapInfo(
            id=record.id,
            job_id=record.job_id,
            media_type=file.media_type,
            created_at=to_proto.moment(record.created_at),
        )
        yield from pieces(file.chunks)


def _snapshot(one: Snapshot) -> wire.MapSnapshot:
    found = wire.MapSnapshot(
        id=one.id,
        job_id=one.job_id,
        layout_id=one.layout_id,
        created_at=to_proto.moment(one.created_at),
        models=one.models,
        stress=one.stress,
    )
    found.params.update(dict(one.params))
    return found
