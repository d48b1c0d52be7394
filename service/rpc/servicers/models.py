"""ModelService: the networks of the zoo."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field
from sqlalchemy.orm import Session

from service.core.manifest import ModelManifest, Name, Strict, Tag, Task
from service.core.operations import owned_rows
from service.core.operations.neighbors import neighbors
from service.core.operations.rankings.schemas import DEFAULT_EDGE_WEIGHT, EdgeWeight
from service.core.operations.zoo import models
from service.core.operations.zoo.models import ModelChanges, ModelFilter
from service.core.operations.zoo.predictions import PredictOptions
from service.core.predict_messages import LARGEST_TOP_K, OutputKind
from service.core.tables import ModelRecord
from service.rpc import to_proto
from service.rpc.context import RpcCall, RpcState
from service.rpc.from_proto import fit, given, page_size, plain, state_name
from service.rpc.idempotency import once
from service.rpc.predictions import prediction
from service.rpc.servicers.attributions import AttributionCalls
from service.rpc.servicers.lineages import LineageCalls
from service.rpc.streaming import pieces
from service.rpc.stubs.zoo.v1 import model_pb2
from service.rpc.stubs.zoo.v1 import model_service_pb2 as wire
from service.rpc.stubs.zoo.v1.model_service_pb2_grpc import ModelServiceServicer
from service.rpc.upload_streams import Incoming, noted


class _Changes(Strict):
    """What may be changed after the upload."""

    name: Name | None = None
    tags: tuple[Tag, ...] | None = Field(None, max_length=50)
    license: Annotated[str, Field(max_length=200)] | None = None
    task: Task | None = None


class _Near(Strict):
    """Which neighbors are asked for."""

    k: int = Field(10, ge=1, le=neighbors.MOST_NEIGHBORS)
    edge_weight: EdgeWeight = DEFAULT_EDGE_WEIGHT


class _PredictOptions(Strict):
    """What is wanted of a network."""

    output: OutputKind | None = None
    layer: Annotated[str, Field(max_length=300)] | None = None
    top_k: int = Field(5, ge=1, le=LARGEST_TOP_K)


class ModelServicer(LineageCalls, AttributionCalls, ModelServiceServicer):
    """Serves ModelService."""

    def __init__(self, parts: RpcState) -> None:
        super().__init__(parts)
        self._zoo = parts.zoo

    def CreateModel(
        self, requests: Iterator[wire.CreateModelRequest], call: RpcCall
    ) -> wire.CreateModelResponse:
        """Take a network into the zoo."""
        incoming: Incoming[wire.ModelHeader] = Incoming(requests)
        header = incoming.header
        manifest = fit(ModelManifest, plain(header.manifest), where="manifest")
        received = incoming.store(self._parts.intake, limit=self._zoo.settings.max_model_bytes)

        def work(session: Session) -> wire.CreateModelResponse:
            upload = noted(session, project=call.project, header=header, received=received)
            record = models.create(
                session,
                project=call.project,
                manifest=manifest,
                upload_id=upload.id,
                blobs=self._zoo.blobs,
            )
            return wire.CreateModelResponse(model=to_proto.model(record))

        request = [manifest.model_dump(mode="json"), received.sha256]
        return once(self._zoo, call, request=request, shape=wire.CreateModelResponse, work=work)

    def GetModel(self, request: wire.GetModelRequest, call: RpcCall) -> wire.GetModelResponse:
        """One network."""
        with self._zoo.transaction() as session:
            record = owned_rows.get(session, ModelRecord, project=call.project, id=request.id)
            return wire.GetModelResponse(model=to_proto.model(record))

    def ListModels(
        self, request: wire.ListModelsRequest, call: RpcCall
    ) -> wire.ListModelsResponse:
        """Networks that fit, newest first."""
        state = state_name(request, model_pb2.ModelState, "MODEL_STATE_")
        task, tag, name = (given(request, field) for field in ("task", "tag", "name"))
        scope = [call.project, "models", state, task, tag, name]
        with self._zoo.transaction() as session:
            found = models.page(
                session,
                project=call.project,
                where=ModelFilter(state, task, tag, name),
                after=self._parts.tokens.read(given(request, "page_token"), scope=scope),
                limit=page_size(request),
            )
        return wire.ListModelsResponse(
            models=[to_proto.model(record) for record in found.items],
            next_page_token=self._parts.tokens.make(found.next_after, scope=scope),
        )

    def UpdateModel(
        self, request: wire.UpdateModelRequest, call: RpcCall
    ) -> wire.UpdateModelResponse:
        """Change what is said about a network."""
        said = {
            name: value for name, value in plain(request).items() if name in _Changes.model_fields
        }
        if request.HasField("tags"):
            said["tags"] = list(request.tags.tags)
        changes = fit(_Changes, said, where="body")
        with self._zoo.transaction() as session:
            record = models.update(
                session,
                project=call.project,
                model_id=request.id,
                changes=ModelChanges(changes.name, changes.tags, changes.license, changes.task),
                etag=given(request, "etag"),
            )
            return wire.UpdateModelResponse(model=to_proto.model(record))

    def DeleteModel(
        self, request: wire.DeleteModelRequest, call: RpcCall
    ) -> wire.DeleteModelResponse:
        """Remove a network and what was measured of it."""
        with self._zoo.transaction() as session:
            models.delete(
                session,
                project=call.project,
                model_id=request.id,
                etag=given(request, "etag"),
            )
        return wire.DeleteModelResponse()

    def DownloadModel(
        self, request: wire.DownloadModelRequest, call: RpcCall
    ) -> Iterator[wire.DownloadModelResponse]:
        """The file as it was uploaded."""
        with self._zoo.transaction() as session:
            record = owned_rows.get(session, ModelRecord, project=call.project, id=request.id)
            digest = models.content_digest(record)
        for chunk in pieces(self._zoo.blobs.read(digest)):
            yield wire.DownloadModelResponse(chunk=chunk)

    def ListLayers(
        self, request: wire.ListLayersRequest, call: RpcCall
    ) -> wire.ListLayersResponse:
        """Every layer that can be read or cut."""
        with self._zoo.transaction() as session:
            record = owned_rows.get(session, ModelRecord, project=call.project, id=request.id)
        layers = [to_proto.layer(layer) for layer in record.layers]
        return wire.ListLayersResponse(layers=layers, feature_layer=record.feature_layer)

    def ListNeighbors(
        self, request: wire.ListNeighborsRequest, call: RpcCall
    ) -> wire.ListNeighborsResponse:
        """The nearest networks through one probe set."""
        asked = {name: given(request, name) for name in ("k", "edge_weight")}
        near = fit(_Near, {k: v for k, v in asked.items() if v is not None}, where="query")
        with self._zoo.transaction() as session:
            listed = neighbors.shortlist(
                session,
                project=call.project,
                model_id=request.id,
                dataset_id=request.dataset_id,
                count=near.k,
                edge_weight=near.edge_weight,
            )
        found = neighbors.nearest(listed, self._zoo.comparer)
        items = [to_proto.neighbor(rank, one) for rank, one in enumerate(found, 1)]
        return wire.ListNeighborsResponse(neighbors=items, edge_weight=near.edge_weight)

    def Predict(self, request: wire.PredictRequest, call: RpcCall) -> wire.PredictResponse:
        """What a network says to images."""
        names = ("output", "layer", "top_k")
        asked = {name: given(request, name) for name in names}
        options = fit(
            _PredictOptions, {k: v for k, v in asked.items() if v is not None}, where="body"
        )
        found = self._parts.asking.predict(
            project=call.project,
            model_id=request.id,
            images=request.images,
            options=PredictOptions(options.output, options.layer, options.top_k),
        )
        return prediction(found)
