"""ModelService: the networks of the zoo."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from service.core.manifest import ModelManifest
from service.core.operations import owned_rows
from service.core.operations.access.keys import Scope
from service.core.operations.zoo import models
from service.core.predict_messages import OutputKind
from service.core.tables import ModelRecord
from service.predict_client import PredictResult
from service.rpc.context import RpcCall
from service.rpc.from_proto import optional, request_of
from service.rpc.idempotency import once
from service.rpc.scopes import requires
from service.rpc.servicers.attributions import AttributionCalls
from service.rpc.servicers.lineages import LineageCalls
from service.rpc.streaming import pieces
from service.rpc.stubs.zoo.v1 import model_pb2
from service.rpc.stubs.zoo.v1 import model_service_pb2 as wire
from service.rpc.stubs.zoo.v1.model_service_pb2_grpc import ModelServiceServicer
from service.rpc.to_proto import to_proto
from service.rpc.upload_streams import Incoming, noted
from service.views.models import (
    LayerListView,
    ModelChangesView,
    ModelQuery,
    ModelView,
    NeighborsQuery,
    neighbors_view,
)
from service.views.predictions import ClassPredictionView, PredictQuery


class ModelServicer(LineageCalls, AttributionCalls, ModelServiceServicer):
    """Serves ModelService."""

    @requires(Scope.WRITE)
    def CreateModel(
        self, requests: Iterator[wire.CreateModelRequest], call: RpcCall
    ) -> wire.CreateModelResponse:
        """Take a network into the zoo."""
        incoming: Incoming[wire.ModelHeader] = Incoming(requests)
        header = incoming.header
        manifest = request_of(ModelManifest, header.manifest, where="manifest")
        received = incoming.store(
            self._parts.upload_service, limit=self._zoo.settings.max_model_bytes
        )

        def work(session: Session) -> wire.CreateModelResponse:
            upload = noted(session, project=call.project, header=header, received=received)
            record = models.create(
                session,
                project=call.project,
                manifest=manifest,
                upload_id=upload.id,
                blobs=self._zoo.blobs,
            )
            return wire.CreateModelResponse(model=_model(record))

        request = [manifest.model_dump(mode="json"), received.sha256]
        return once(self._zoo, call, request=request, shape=wire.CreateModelResponse, work=work)

    @requires(Scope.READ)
    def GetModel(self, request: wire.GetModelRequest, call: RpcCall) -> wire.GetModelResponse:
        """One network."""
        record = self._parts.row(ModelRecord, call.caller, request.id)
        return wire.GetModelResponse(model=_model(record))

    @requires(Scope.READ)
    def ListModels(
        self, request: wire.ListModelsRequest, call: RpcCall
    ) -> wire.ListModelsResponse:
        """Networks that fit, newest first."""
        query = request_of(ModelQuery, request, where="query")
        with self._zoo.transaction() as session:
            view = query.page(session, self._parts.tokens, project=call.project)
        return to_proto(view, wire.ListModelsResponse)

    @requires(Scope.WRITE)
    def UpdateModel(
        self, request: wire.UpdateModelRequest, call: RpcCall
    ) -> wire.UpdateModelResponse:
        """Change the description of a network."""
        body = request_of(ModelChangesView, request, where="body", without=("id", "etag"))
        with self._zoo.transaction() as session:
            record = models.update(
                session,
                project=call.project,
                model_id=request.id,
                changes=body.changes,
                etag=optional(request, "etag"),
            )
            return wire.UpdateModelResponse(model=_model(record))

    @requires(Scope.WRITE)
    def DeleteModel(
        self, request: wire.DeleteModelRequest, call: RpcCall
    ) -> wire.DeleteModelResponse:
        """Remove a network and what was measured of it."""
        with self._zoo.transaction() as session:
            models.delete(
                session,
                project=call.project,
                model_id=request.id,
                etag=optional(request, "etag"),
            )
        return wire.DeleteModelResponse()

    @requires(Scope.READ)
    def DownloadModel(
        self, request: wire.DownloadModelRequest, call: RpcCall
    ) -> Iterator[wire.DownloadModelResponse]:
        """The file as it was uploaded."""
        with self._zoo.transaction() as session:
            record = owned_rows.get(session, ModelRecord, project=call.project, id=request.id)
            digest = models.content_digest(record)
        for chunk in pieces(self._zoo.blobs.read(digest)):
            yield wire.DownloadModelResponse(chunk=chunk)

    @requires(Scope.READ)
    def ListLayers(
        self, request: wire.ListLayersRequest, call: RpcCall
    ) -> wire.ListLayersResponse:
        """Every layer that can be read or cut."""
        record = self._parts.row(ModelRecord, call.caller, request.id)
        return to_proto(LayerListView.of(record), wire.ListLayersResponse)

    @requires(Scope.READ)
    def ListNeighbors(
        self, request: wire.ListNeighborsRequest, call: RpcCall
    ) -> wire.ListNeighborsResponse:
        """The nearest networks through one probe set."""
        query = request_of(NeighborsQuery, request, where="query", without=("id",))
        view = neighbors_view(self._zoo, query, project=call.project, model_id=request.id)
        return to_proto(view, wire.ListNeighborsResponse)

    @requires(Scope.READ)
    def Predict(self, request: wire.PredictRequest, call: RpcCall) -> wire.PredictResponse:
        """The outputs of a network for images."""
        query = request_of(PredictQuery, request, where="query", without=("id", "images"))
        result = self._parts.predict_client.predict(
            project=call.project,
            model_id=request.id,
            images=request.images,
            options=query.options,
        )
        return _prediction(result)


def _model(record: ModelRecord) -> model_pb2.Model:
    return to_proto(ModelView.of(record), model_pb2.Model)


def _prediction(result: PredictResult) -> wire.PredictResponse:
    """Classes, pictures or an array."""
    if result.kind is OutputKind.FEATURES:
        return wire.PredictResponse(npy=result.parts[0])
    if result.kind is OutputKind.IMAGE:
        return wire.PredictResponse(pictures=wire.Pictures(png=result.parts))
    return wire.PredictResponse(classes=to_proto(ClassPredictionView.of(result), wire.Prediction))
