"""DatasetService: the sets of images and clips."""

from collections.abc import Iterator
from functools import partial

from sqlalchemy.orm import Session

from service.core.manifest import DatasetManifest
from service.core.operations.access.keys import Scope
from service.core.operations.zoo import clips, datasets
from service.core.tables import DatasetRecord
from service.rpc.context import RpcCall, Servicer
from service.rpc.from_proto import request_of
from service.rpc.idempotency import once
from service.rpc.messages import MessageSize
from service.rpc.scopes import requires
from service.rpc.streaming import pieces
from service.rpc.stubs.zoo.v1 import dataset_pb2
from service.rpc.stubs.zoo.v1 import dataset_service_pb2 as wire
from service.rpc.stubs.zoo.v1.dataset_service_pb2_grpc import DatasetServiceServicer
from service.rpc.to_proto import to_proto
from service.rpc.upload_streams import Incoming, noted
from service.views.clips import ClipPictureQuery, ClipView
from service.views.datasets import DatasetQuery, DatasetView, ImageView, MaskView
from service.views.paging import PageQuery, list_view


class DatasetServicer(Servicer, DatasetServiceServicer):
    """Serves DatasetService."""

    @requires(Scope.WRITE, size=MessageSize.FILES)
    def CreateDataset(
        self, requests: Iterator[wire.CreateDatasetRequest], call: RpcCall
    ) -> wire.CreateDatasetResponse:
        """Take a set of images into the zoo."""
        incoming: Incoming[wire.DatasetHeader] = Incoming(requests)
        header = incoming.header
        manifest = request_of(DatasetManifest, header.manifest, where="manifest")
        limit = self._zoo.settings.max_dataset_bytes
        self._parts.upload_service.require_quota(call.project, size_bytes=1)
        received = incoming.store(self._parts.upload_service, limit=limit)

        def work(session: Session) -> wire.CreateDatasetResponse:
            upload = noted(session, project=call.project, header=header, received=received)
            record = datasets.create(
                session, project=call.project, manifest=manifest, upload_id=upload.id
            )
            dataset = to_proto(DatasetView.of(record), dataset_pb2.Dataset)
            return wire.CreateDatasetResponse(dataset=dataset)

        request = [manifest.model_dump(mode="json"), received.sha256]
        return once(self._zoo, call, request=request, shape=wire.CreateDatasetResponse, work=work)

    @requires(Scope.READ)
    def GetDataset(
        self, request: wire.GetDatasetRequest, call: RpcCall
    ) -> wire.GetDatasetResponse:
        """One set of images."""
        record = self._parts.row(DatasetRecord, call.caller, request.id)
        dataset = to_proto(DatasetView.of(record), dataset_pb2.Dataset)
        return wire.GetDatasetResponse(dataset=dataset)

    @requires(Scope.READ)
    def ListDatasets(
        self, request: wire.ListDatasetsRequest, call: RpcCall
    ) -> wire.ListDatasetsResponse:
        """Sets that fit, newest first."""
        query = request_of(DatasetQuery, request, where="query")
        with self._zoo.transaction() as session:
            view = query.page(session, self._parts.tokens, project=call.project)
        return to_proto(view, wire.ListDatasetsResponse)

    @requires(Scope.WRITE)
    def DeleteDataset(
        self, request: wire.DeleteDatasetRequest, call: RpcCall
    ) -> wire.DeleteDatasetResponse:
        """Remove a set and every measurement on it."""
        with self._zoo.transaction() as session:
            datasets.delete(session, project=call.project, dataset_id=request.id)
        return wire.DeleteDatasetResponse()

    @requires(Scope.READ)
    def GetImage(
        self, request: wire.GetImageRequest, call: RpcCall
    ) -> Iterator[wire.GetImageResponse]:
        """One image as it was uploaded."""
        with self._zoo.transaction() as session:
            location = datasets.image_location(
                session, project=call.project, dataset_id=request.id, position=request.index
            )
        data = location.read(self._zoo.blobs)
        yield wire.GetImageResponse(info=to_proto(ImageView.of(location.image), wire.ImageInfo))
        for piece in pieces([data]):
            yield wire.GetImageResponse(chunk=piece)

    @requires(Scope.READ)
    def GetMask(
        self, request: wire.GetMaskRequest, call: RpcCall
    ) -> Iterator[wire.GetMaskResponse]:
        """The mask of one image."""
        with self._zoo.transaction() as session:
            location = datasets.mask_location(
                session, project=call.project, dataset_id=request.id, position=request.index
            )
        data = location.read(self._zoo.blobs)
        yield wire.GetMaskResponse(info=to_proto(MaskView.of(location), wire.MaskInfo))
        for piece in pieces([data]):
            yield wire.GetMaskResponse(chunk=piece)

    @requires(Scope.READ)
    def ListClips(self, request: wire.ListClipsRequest, call: RpcCall) -> wire.ListClipsResponse:
        """The clips of a dataset in order."""
        query = request_of(PageQuery, request, where="query", without=("id",))
        scope = [call.project, "clips", request.id]
        with self._zoo.transaction() as session:
            read = partial(clips.clips, session, project=call.project, dataset_id=request.id)
            view = list_view(read, ClipView.of, query, tokens=self._parts.tokens, scope=scope)
        return to_proto(view, wire.ListClipsResponse)

    @requires(Scope.READ)
    def GetClipPicture(
        self, request: wire.GetClipPictureRequest, call: RpcCall
    ) -> wire.GetClipPictureResponse:
        """A picture of a clip, as PNG."""
        query = request_of(ClipPictureQuery, request, where="query", without=("id", "index"))
        with self._zoo.transaction() as session:
            location = clips.picture_location(
                session,
                project=call.project,
                dataset_id=request.id,
                position=request.index,
                picture=query.picture,
            )
        return wire.GetClipPictureResponse(png=location.read(self._zoo.blobs))
