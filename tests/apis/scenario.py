"""One scenario over two APIs: what a user does, and how each API responds."""

import json
from collections.abc import Iterator
from typing import Any, Protocol

import grpc
import httpx
from google.protobuf.json_format import MessageToDict, ParseDict

from service.rpc.stubs.zoo.v1 import (
    dataset_service_pb2,
    job_service_pb2,
    method_service_pb2,
    model_service_pb2,
    transferability_service_pb2,
)
from tests.rpc.channels import Dialled, refusal_in
from tests.waiting import HANG_SECONDS

Answer = dict[str, Any]


class Api(Protocol):
    """What the scenario needs of an API; every answer is put the way REST puts it."""

    def create_model(self, manifest: Answer, data: bytes) -> Answer: ...
    def model(self, id_: str) -> Answer: ...
    def models(self, **where: Any) -> Answer: ...
    def rename(self, id_: str, *, etag: str | None, name: str) -> Answer: ...
    def delete(self, id_: str, *, etag: str | None) -> Answer: ...
    def content(self, id_: str) -> bytes: ...
    def layers(self, id_: str) -> list[Answer]: ...
    def lineage(self, id_: str, **asked: Any) -> Answer: ...
    def lineage_file(self, id_: str, form: str) -> bytes: ...
    def neighbors(self, id_: str, *, dataset: str) -> list[Answer]: ...
    def dataset(self, id_: str) -> Answer: ...
    def image(self, id_: str, index: int) -> bytes: ...
    def rank(self, body: Answer) -> Answer: ...
    def map(self, dataset: str) -> Answer: ...
    def create_map(self, body: Answer) -> Answer: ...
    def attribution(self, id_: str, *, dataset: str, **asked: Any) -> Answer: ...
    def create_attributions(self, body: Answer) -> Answer: ...
    def submit(self, body: Answer) -> Answer: ...
    def job(self, id_: str) -> Answer: ...
    def cancel(self, id_: str) -> Answer: ...
    def events(self, id_: str) -> list[Answer]: ...
    def methods(self) -> list[Answer]: ...


class RestApi:
    """The scenario over HTTP."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def create_model(self, manifest: Answer, data: bytes) -> Answer:
        form = {"manifest": (None, json.dumps(manifest)), "file": ("fox.pt2", data)}
        return self._json(self._client.post("/v1/models", files=form))

    def model(self, id_: str) -> Answer:
        return self._json(self._client.get(f"/v1/models/{id_}"))

    def models(self, **where: Any) -> Answer:
        return self._json(self._client.get("/v1/models", params=where))

    def rename(self, id_: str, *, etag: str | None, name: str) -> Answer:
        return self._json(
            self._client.patch(f"/v1/models/{id_}", json={"name": name}, headers=_match(etag))
        )

    def delete(self, id_: str, *, etag: str | None) -> Answer:
        return self._json(self._client.delete(f"/v1/models/{id_}", headers=_match(etag)))

    def content(self, id_: str) -> bytes:
        return self._client.get(f"/v1/models/{id_}/content").content

    def layers(self, id_: str) -> list[Answer]:
        return self._items(self._client.get(f"/v1/models/{id_}/layers"))

    def lineage(self, id_: str, **asked: Any) -> Answer:
        return self._json(self._client.get(f"/v1/models/{id_}/lineage", params=asked))

    def lineage_file(self, id_: str, form: str) -> bytes:
        return self._client.get(f"/v1/models/{id_}/lineage", params={"format": form}).content

    def neighbors(self, id_: str, *, dataset: str) -> list[Answer]:
        where = {"dataset": dataset}
        return self._items(self._client.get(f"/v1/models/{id_}/neighbors", params=where))

    def dataset(self, id_: str) -> Answer:
        return self._json(self._client.get(f"/v1/datasets/{id_}"))

    def image(self, id_: str, index: int) -> bytes:
        return self._client.get(f"/v1/datasets/{id_}/images/{index}").content

    def rank(self, body: Answer) -> Answer:
        return self._json(self._client.post("/v1/rankings", json=body))

    def map(self, dataset: str) -> Answer:
        return self._json(self._client.get(f"/v1/maps/{dataset}"))

    def create_map(self, body: Answer) -> Answer:
        return self._json(self._client.post("/v1/maps", json=body))

    def attribution(self, id_: str, *, dataset: str, **asked: Any) -> Answer:
        path = f"/v1/models/{id_}/attributions/{dataset}/0.png"
        return self._json(self._client.get(path, params=asked))

    def create_attributions(self, body: Answer) -> Answer:
        return self._json(self._client.post("/v1/attributions", json=body))

    def submit(self, body: Answer) -> Answer:
        return self._json(self._client.post("/v1/jobs", json=body))

    def job(self, id_: str) -> Answer:
        return self._json(self._client.get(f"/v1/jobs/{id_}"))

    def cancel(self, id_: str) -> Answer:
        return self._json(self._client.post(f"/v1/jobs/{id_}:cancel"))

    def events(self, id_: str) -> list[Answer]:
        lines = self._client.get(f"/v1/jobs/{id_}/events").text.splitlines()
        return [comparable(json.loads(line[5:])) for line in lines if line.startswith("data:")]

    def methods(self) -> list[Answer]:
        return self._items(self._client.get("/v1/methods"))

    def _items(self, response: httpx.Response) -> list[Answer]:
        items: list[Answer] = self._json(response)["items"]
        return items

    def _json(self, response: httpx.Response) -> Answer:
        answer = response.json() if response.content else {}
        if response.is_error:
            pointers = [error["pointer"] for error in answer.get("errors") or []]
            return _refused(answer["code"], answer["detail"], answer.get("remedy"), pointers)
        return comparable(answer)


class GrpcApi:
    """The same over gRPC."""

    def __init__(self, dialled: Dialled) -> None:
        self._dialled = dialled

    def create_model(self, manifest: Answer, data: bytes) -> Answer:
        header = model_service_pb2.ModelHeader(filename="fox.pt2")
        _fill(header.manifest, manifest)

        def parts() -> Iterator[model_service_pb2.CreateModelRequest]:
            yield model_service_pb2.CreateModelRequest(header=header)
            yield model_service_pb2.CreateModelRequest(chunk=data)

        return self._field(self._dialled.models.CreateModel, parts(), "model")

    def model(self, id_: str) -> Answer:
        request = model_service_pb2.GetModelRequest(id=id_)
        return self._field(self._dialled.models.GetModel, request, "model")

    def models(self, **where: Any) -> Answer:
        state = where.pop("state", None)
        request = model_service_pb2.ListModelsRequest(**where)
        if state is not None:
            request.state = f"MODEL_STATE_{state.upper()}"
        answer = self._call(self._dialled.models.ListModels, request)
        if isinstance(answer, dict):
            return answer
        items = [_plain(model) for model in answer.items]
        return comparable({"items": items, "next_page_token": answer.next_page_token})

    def rename(self, id_: str, *, etag: str | None, name: str) -> Answer:
        request = model_service_pb2.UpdateModelRequest(id=id_, etag=etag, name=name)
        return self._field(self._dialled.models.UpdateModel, request, "model")

    def delete(self, id_: str, *, etag: str | None) -> Answer:
        request = model_service_pb2.DeleteModelRequest(id=id_, etag=etag)
        return self._field(self._dialled.models.DeleteModel, request, None)

    def content(self, id_: str) -> bytes:
        request = model_service_pb2.DownloadModelRequest(id=id_)
        return b"".join(part.chunk for part in self._dialled.models.DownloadModel(request))

    def layers(self, id_: str) -> list[Answer]:
        request = model_service_pb2.ListLayersRequest(id=id_)
        return [
            comparable(_plain(layer)) for layer in self._dialled.models.ListLayers(request).items
        ]

    def lineage(self, id_: str, **asked: Any) -> Answer:
        request = model_service_pb2.GetLineageRequest(id=id_, **asked)
        answer = self._call(lambda r: next(self._dialled.models.GetLineage(r)), request)
        return answer if isinstance(answer, dict) else comparable(_plain(answer.lineage))

    def lineage_file(self, id_: str, form: str) -> bytes:
        request = model_service_pb2.GetLineageRequest(id=id_, format=form)
        return b"".join(part.chunk for part in self._dialled.models.GetLineage(request))

    def neighbors(self, id_: str, *, dataset: str) -> list[Answer]:
        request = model_service_pb2.ListNeighborsRequest(id=id_, dataset_id=dataset)
        items = self._dialled.models.ListNeighbors(request).items
        return [comparable(_plain(item)) for item in items]

    def dataset(self, id_: str) -> Answer:
        request = dataset_service_pb2.GetDatasetRequest(id=id_)
        return self._field(self._dialled.datasets.GetDataset, request, "dataset")

    def image(self, id_: str, index: int) -> bytes:
        request = dataset_service_pb2.GetImageRequest(id=id_, index=index)
        return b"".join(part.chunk for part in self._dialled.datasets.GetImage(request))

    def rank(self, body: Answer) -> Answer:
        request = transferability_service_pb2.RankRequest()
        _fill(request, body)
        return self._field(self._dialled.transferability.Rank, request, "ranking")

    def map(self, dataset: str) -> Answer:
        request = transferability_service_pb2.GetMapRequest(dataset_id=dataset)
        answer = self._call(lambda r: next(self._dialled.transferability.GetMap(r)), request)
        return answer if isinstance(answer, dict) else comparable(_plain(answer.info))

    def create_map(self, body: Answer) -> Answer:
        request = transferability_service_pb2.CreateMapRequest()
        _fill(request, body)
        return self._field(self._dialled.transferability.CreateMap, request, "job")

    def attribution(self, id_: str, *, dataset: str, **asked: Any) -> Answer:
        request = model_service_pb2.GetAttributionRequest(id=id_, dataset_id=dataset, **asked)
        return self._field(self._dialled.models.GetAttribution, request, None)

    def create_attributions(self, body: Answer) -> Answer:
        request = model_service_pb2.CreateAttributionsRequest()
        _fill(request, {name: value for name, value in body.items() if name != "indices"})
        indices = body.get("indices", [])
        if isinstance(indices, dict):
            _fill(request.range, indices)
        else:
            request.list.values.extend(indices)
        return self._field(self._dialled.models.CreateAttributions, request, "job")

    def submit(self, body: Answer) -> Answer:
        request = job_service_pb2.SubmitJobRequest()
        _fill(request, body)
        return self._field(self._dialled.jobs.SubmitJob, request, "job")

    def job(self, id_: str) -> Answer:
        return self._field(self._dialled.jobs.GetJob, job_service_pb2.GetJobRequest(id=id_), "job")

    def cancel(self, id_: str) -> Answer:
        request = job_service_pb2.CancelJobRequest(id=id_)
        return self._field(self._dialled.jobs.CancelJob, request, "job")

    def events(self, id_: str) -> list[Answer]:
        answers = self._dialled.jobs.WatchJob(
            job_service_pb2.WatchJobRequest(id=id_), timeout=HANG_SECONDS
        )
        return [comparable(_plain(answer.event)) for answer in answers]

    def methods(self) -> list[Answer]:
        response = self._dialled.methods.ListMethods(method_service_pb2.ListMethodsRequest())
        return [_plain(method) for method in response.items]

    def _field(self, call: Any, request: Any, field: str | None) -> Answer:
        """The thing inside a response."""
        answer = self._call(call, request)
        if isinstance(answer, dict) or field is None:
            return answer if isinstance(answer, dict) else {}
        return comparable(_plain(getattr(answer, field)))

    def _call(self, call: Any, request: Any) -> Any:
        try:
            return call(request)
        except grpc.RpcError as error:
            refusal = refusal_in(error)
            return _refused(refusal.code, refusal.detail, refusal.remedy, list(refusal.fields))


def _match(etag: str | None) -> dict[str, str]:
    return {} if etag is None else {"If-Match": etag}


def _refused(code: str, detail: str, remedy: str | None, pointers: list[str]) -> Answer:
    return {"refused": code, "detail": detail, "remedy": remedy, "pointers": pointers}


def _fill(message: Any, values: Answer) -> None:
    ParseDict(values, message)


def _plain(message: Any) -> Answer:
    """A message as JSON values, with what is empty left out and states in REST's words."""
    values = MessageToDict(message, preserving_proto_field_name=True)
    if isinstance(values.get("state"), str):
        values["state"] = values["state"].rpartition("_STATE_")[2].lower()
    return values


def comparable(value: Any) -> Any:
    """An answer without what the two APIs may put differently.

    gRPC leaves empty values out and sends 64-bit integers as text; both mean the same.
    """
    if isinstance(value, dict):
        fields = {name: comparable(item) for name, item in value.items()}
        return {
            name: item for name, item in fields.items() if item not in (None, "", [], {}, 0, False)
        }
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, str) and value.lstrip("-").isdecimal():
        return int(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 9)
    return value
