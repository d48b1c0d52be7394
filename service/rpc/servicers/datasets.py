"""DatasetService: the sets of images."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from service.core.manifest import DatasetManifest
from service.core.operations import owned_rows
from service.core.operations.zoo import datasets
from service.core.operations.zoo.datasets import DatasetFilter
from service.core.tables import DatasetRecord
from service.rpc import to_proto
from service.rpc.context import RpcCall, RpcState
from service.rpc.from_proto import fit, given, page_size, plain, state_name
from service.rpc.idempotency import once
from service.rpc.streaming import pieces
from service.rpc.stubs.zoo.v1 import dataset_pb2
from service.rpc.stubs.zoo.v1 import dataset_service_pb2 as wire
from service.rpc.stubs.zoo.v1.dataset_service_pb2_grpc import DatasetServiceServicer
from service.rpc.upload_streams import Incoming, noted


class DatasetServicer(DatasetServiceServicer):
    """Serves DatasetService."""

    def __init__(self, parts: RpcState) -> None:
        self._parts = parts
        self._zoo = parts.zoo

    def CreateDataset(
        self, requests: Iterator[wire.CreateDatasetRequest], call: RpcCall
    ) -> wire.CreateDatasetResponse:
        """Take a set of images into the zoo."""
        incoming: Incoming[wire.DatasetHeader] = Incoming(requests)
        header = incoming.header
        manifest = fit(DatasetManifest, plain(header.manifest), where="manifest")
        limit = self._zoo.settings.max_dataset_bytes
        received = incoming.store(self._parts.intake, limit=limit)

        def work(session: Session) -> wire.CreateDatasetResponse:
            upload = noted(session, project=call.project, header=header, received=received)
            record = datasets.create(
                session, project=call.project, manifest=manifest, upload_id=upload.id
            )
            return wire.CreateDatasetResponse(dataset=to_proto.dataset(record))

        request = [manifest.model_dump(mode="json"), received.sha256]
        return once(self._zoo, call, request=request, shape=wire.CreateDatasetResponse, work=work)

    def GetDataset(
        self, request: wire.GetDatasetRequest, call: RpcCall
    ) -> wire.GetDatasetResponse:
        """One set of images."""
        with self._zoo.transaction() as session:
            record = owned_rows.get(session, DatasetRecord, project=call.project, id=request.id)
        return wire.GetDatasetResponse(dataset=to_proto.dataset(record))

    def ListDatasets(
        self, request: wire.ListDatasetsRequest, call: RpcCall
    ) -> wire.ListDatasetsResponse:
        """Sets that fit, newest first."""
        state = state_name(request, dataset_pb2.DatasetState, "DATASET_STATE_")
        name = given(request, "name")
        scope = [call.project, "datasets", state, name]
        with self._zoo.transaction() as session:
            found = datasets.page(
                session,
                project=call.project,
                where=DatasetFilter(state, name),
                after=self._parts.tokens.read(given(request, "page_token"), scope=scope),
                limit=page_size(request),
            )
        return wire.ListDatasetsResponse(
            datasets=[to_proto.dataset(record) for record in found.items],
            next_page_token=self._parts.tokens.make(found.next_after, scope=scope) or "",
        )

    def DeleteDataset(
        self, request: wire.DeleteDatasetRequest, call: RpcCall
    ) -> wire.DeleteDatasetResponse:
        """Remove a set and every measurement on it."""
        with self._zoo.transaction() as session:
            datasets.delete(session, project=call.project, dataset_id=request.id)
        return wire.DeleteDatasetResponse()

    def GetImage(
        self, request: wire.GetImageRequest, call: RpcCall
    ) -> Iterator[wire.GetImageResponse]:
        """One image as it was uploaded."""
        with self._zoo.transaction() as session:
            found = datasets.image_content(
                session,
                project=call.project,
                dataset_id=request.id,
                position=request.index,
                blobs=self._zoo.blobs,
            )
        yield wire.GetImageResponse(info=to_proto.image(found.image))
        for piece in pieces(found.chunks):
            yield wire.GetImageResponse(chunk=piece)
