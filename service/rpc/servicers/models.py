"""ModelService: the networks of the zoo."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from service.core.manifest import ModelManifest
from service.core.operations import model_names, owned_rows
from service.core.operations.access.keys import Scope
from service.core.operations.zoo import models
from service.core.predict_messages import OutputKind
from service.core.tables import ModelRecord
from service.predict_client import PredictResult
from service.rpc.context import RpcCall
from service.rpc.from_proto import optional, request_of
from service.rpc.idempotency import once
from service.rpc.messages import MessageSize
from service.rpc.scopes import requires
from service.rpc.servicers.attributions import AttributionCalls
from service.rpc.servicers.families import FamilyCalls
from service.rpc.servicers.lineages import LineageCalls
from service.rpc.streaming import pieces
from service.rpc.stubs.zoo.v1 import model_pb2
from service.rpc.stubs.zoo.v1 import model_service_pb2 as wire
from service.rpc.stubs.zoo.v1.model_service_pb2_grpc import ModelServiceServicer
from service.rpc.to_proto import to_proto
from service.rpc.upload_streams import Incoming, noted
from service.views.image_similarities import ImageSimilaritiesQuery, image_similarities_view
from service.views.models import (
    AliasView,
    LayerListView,
    ModelChangesView,
    ModelQuery,
    ModelView,
    NeighborsQuery,
    neighbors_view,
)
from service.views.predictions import ClassPredictionView, PredictQuery
from service.views.readings import TextPredictionView


class ModelServicer(FamilyCalls, LineageCalls, AttributionCalls, ModelServiceServicer):
    """Serves ModelService."""

    @requires(Scope.WRITE, size=MessageSize.FILES)
    def CreateModel(
        self, requests: Iterator[wire.CreateModelRequest], call: RpcCall
    ) -> wire.CreateModelResponse:
        """Take a network into the zoo."""
        incoming: Incoming[wire.ModelHeader] = Incoming(requests)
        header = incoming.header
        manifest = request_of(ModelManifest, header.manifest, where="manifest")
        self._parts.upload_service.require_quota(call.project, size_bytes=1)
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

    @requires(Scope.WRITE)
    def SetModelAlias(
        self, request: wire.SetModelAliasRequest, call: RpcCall
    ) -> wire.SetModelAliasResponse:
        """A network with one more alias."""
        body = request_of(AliasView, request, where="body", without=("id",))
        with self._zoo.transaction() as session:
            record = model_names.set_alias(
                session, project=call.project, model_id=request.id, alias=body.alias
            )
            return wire.SetModelAliasResponse(model=_model(record))

    @requires(Scope.WRITE)
    def DeleteModelAlias(
        self, request: wire.DeleteModelAliasRequest, call: RpcCall
    ) -> wire.DeleteModelAliasResponse:
        """A network with one alias less."""
        body = request_of(AliasView, request, where="body", without=("id",))
        with self._zoo.transaction() as session:
            model_names.remove_alias(
                session, project=call.project, model_id=request.id, alias=body.alias
            )
        return wire.DeleteModelAliasResponse()

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
        """The file as the zoo stores it: as it was uploaded, a pt2 without its pickles."""
        with self._zoo.transaction() as session:
            record = owned_rows.get(session, ModelRecord, project=call.project, id=request.id)
        digest = models.content_digest(record, self._zoo.blobs)
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
    def GetImageSimilarities(
        self, request: wire.GetImageSimilaritiesRequest, call: RpcCall
    ) -> wire.GetImageSimilaritiesResponse:
        """How alike two networks look at each image."""
        query = request_of(ImageSimilaritiesQuery, request, where="query", without=("id",))
        view = image_similarities_view(self._zoo, query, project=call.project, model_id=request.id)
        return to_proto(view, wire.GetImageSimilaritiesResponse)

    @requires(Scope.READ, size=MessageSize.FILES)
    def Predict(self, request: wire.PredictRequest, call: RpcCall) -> wire.PredictResponse:
        """The outputs of a network for images, or the texts of a reader for clips."""
        files = ("id", "images", "support", "styles", "masks", "stroke_map", "clips")
        query = request_of(PredictQuery, request, where="query", without=files)
        result = self._parts.predict_client.predict(
            project=call.project,
            model_id=request.id,
            images=request.images,
            options=query.options(
                [example.image for example in request.support],
                [example.label for example in request.support],
                request.styles,
                request.masks,
                stroke_map=request.stroke_map if request.HasField("stroke_map") else None,
                clips=request.clips,
            ),
        )
        return _prediction(result)


def _model(record: ModelRecord) -> model_pb2.Model:
    return to_proto(ModelView.of(record), model_pb2.Model)


def _prediction(result: PredictResult) -> wire.PredictResponse:
    """Classes, pictures, an array or texts."""
    if result.kind is OutputKind.TEXTS:
        return wire.PredictResponse(texts=to_proto(TextPredictionView.of(result), wire.Texts))
    if result.kind is OutputKind.FEATURES:
        return wire.PredictResponse(npy=result.parts[0])
    if result.kind is OutputKind.IMAGE:
        return wire.PredictResponse(pictures=wire.Pictures(png=result.parts))
    return wire.PredictResponse(classes=to_proto(ClassPredictionView.of(result), wire.Prediction))
