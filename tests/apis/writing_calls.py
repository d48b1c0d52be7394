"""Every writing call of both APIs, generated from their descriptions, with requests that succeed."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import Default
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from sqlalchemy.orm import Session

from service.container import Zoo
from service.core.etags import etag_of
from service.core.operations import model_names
from service.core.operations.access import keys
from service.core.operations.accuracies import accuracies
from service.core.operations.accuracies.accuracies import NewAccuracy
from service.core.operations.families.recording import record_sketch
from service.core.operations.jobs import jobs
from service.core.operations.zoo import uploads
from service.core.tables import JobRecord, JobState
from service.rest.app import create_app
from service.rpc.server import SERVICES
from tests.core.families.tensors import random_tensors, stored
from tests.rest.served import (
    MANIFEST,
    PROJECT,
    a_dataset,
    a_graph,
    a_model,
    archive,
    some_responses,
)

WRITING = ("post", "put", "patch", "delete")
READING = ("Get", "List", "Download", "Watch", "Export")
# They store nothing.
EXEMPT_ROUTES = frozenset({"/v1/models/{model_id}:predict", "/v1/rankings:estimate"})
# Browsers alone sign in, and nothing in such a request but its key can be wrong.
OF_BROWSERS = frozenset({"/v1/sessions", "/v1/sign-in-links"})
EXEMPT_CALLS = frozenset({"Predict", "EstimateRanking"})


@dataclass(frozen=True)
class WritingRequest:
    """What a call needs to succeed: values in the path, and what else REST or gRPC send."""

    path: dict[str, Any] = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    chunk: bytes | None = None


Make = Callable[[Zoo, Session], WritingRequest]


def _measured(zoo: Zoo, session: Session) -> tuple[str, str, str]:
    """A measured probe set and two models."""
    probes = a_dataset(zoo, session)
    first, second = a_model(session), a_model(session)
    for model in (first, second):
        a_graph(session, model, probes, sketch=[1.0] + [0.0] * 1535)
    return probes.id, first.id, second.id


def _json(body: dict[str, Any], **path: Any) -> WritingRequest:
    return WritingRequest(path, {"json": body}, {**body})


def _form(manifest: dict[str, Any], data: bytes, name: str) -> WritingRequest:
    files = {"manifest": (None, json.dumps(manifest)), "file": (name, data)}
    header = {"manifest": manifest, "filename": name}
    return WritingRequest({}, {"files": files}, {"header": header}, data)


def _changed_model(zoo: Zoo, session: Session) -> WritingRequest:
    model = a_model(session)
    etag, body = etag_of(model), {"name": "renamed"}
    rest = {"headers": {"If-Match": etag}, "json": body}
    return WritingRequest({"model_id": model.id}, rest, {"id": model.id, "etag": etag, **body})


def _deleted_model(zoo: Zoo, session: Session) -> WritingRequest:
    model = a_model(session)
    etag = etag_of(model)
    rest = {"headers": {"If-Match": etag}}
    return WritingRequest({"model_id": model.id}, rest, {"id": model.id, "etag": etag})


def _new_alias(zoo: Zoo, session: Session) -> WritingRequest:
    model = a_model(session)
    path = {"model_id": model.id, "alias": "prod"}
    return WritingRequest(path, {}, {"id": model.id, "alias": "prod"})


def _removed_alias(zoo: Zoo, session: Session) -> WritingRequest:
    request = _new_alias(zoo, session)
    model_names.set_alias(session, project=PROJECT, **request.path)
    return request


def _confirmed_relative(zoo: Zoo, session: Session) -> WritingRequest:
    model, relative = a_model(session), a_model(session)
    for record in (relative, model):
        record.weights_sha256 = "a" * 64
        session.flush()
        record_sketch(session, record, weights=stored(random_tensors(0)), others=5)
    body = {"relative_id": relative.id, "descent": "ancestor"}
    return WritingRequest({"model_id": model.id}, {"json": body}, {"id": model.id, **body})


def _deleted_dataset(zoo: Zoo, session: Session) -> WritingRequest:
    dataset = a_dataset(zoo, session)
    return WritingRequest({"dataset_id": dataset.id}, {}, {"id": dataset.id})


def _job(zoo: Zoo, session: Session) -> JobRecord:
    inputs = {"model_id": a_model(session).id, "dataset_id": a_dataset(zoo, session).id}
    return jobs.submit(session, project=PROJECT, method="depara", inputs=inputs)


def _queued_job(zoo: Zoo, session: Session) -> WritingRequest:
    job = _job(zoo, session)
    return WritingRequest({"job_id": job.id}, {}, {"id": job.id})


def _failed_job(zoo: Zoo, session: Session) -> WritingRequest:
    job = _job(zoo, session)
    jobs.end(session, job, JobState.FAILED, error={"code": "x", "detail": "y"})
    return WritingRequest({"job_id": job.id}, {}, {"id": job.id})


def _new_job(zoo: Zoo, session: Session) -> WritingRequest:
    inputs = {"model_id": a_model(session).id, "dataset_id": a_dataset(zoo, session).id}
    return _json({"method": "depara", "inputs": inputs})


def _ranking(zoo: Zoo, session: Session) -> WritingRequest:
    probes, model, _ = _measured(zoo, session)
    return _json({"target": {"model_id": model}, "probe_set_id": probes})


def _selection(zoo: Zoo, session: Session) -> WritingRequest:
    probes, model, source = _measured(zoo, session)
    target = {"target": {"model_id": model}, "probe_set_id": probes}
    return _json({**target, "source_model_id": source, "layers": ["conv"]})


def _concept_search(zoo: Zoo, session: Session) -> WritingRequest:
    probes, concept = a_dataset(zoo, session), a_dataset(zoo, session)
    some_responses(zoo, session, a_model(session, output_kind="vector"), probes)
    return _json({"dataset_id": concept.id, "probe_set_id": probes.id})


def _map(zoo: Zoo, session: Session) -> WritingRequest:
    return _json({"dataset_id": _measured(zoo, session)[0]})


def _heat_maps(zoo: Zoo, session: Session) -> WritingRequest:
    probes, model, _ = _measured(zoo, session)
    return _json({"model_ids": [model], "dataset_id": probes, "indices": [0]})


def _heat_maps_of_model(zoo: Zoo, session: Session) -> WritingRequest:
    probes, model, _ = _measured(zoo, session)
    return _json({"dataset_id": probes, "indices": [0]}, model_id=model)


def _upload(zoo: Zoo, session: Session) -> WritingRequest:
    upload = uploads.create(session, project=PROJECT, size_bytes=3)
    headers = {"Upload-Offset": "0", "Content-Type": "application/octet-stream"}
    return WritingRequest({"upload_id": upload.id}, {"content": b"abc", "headers": headers})


def _accuracies(zoo: Zoo, session: Session) -> WritingRequest:
    return _json({"accuracies": [{"model": "fox", "dataset": "sea", "value": 0.5}]})


def _deleted_accuracy(zoo: Zoo, session: Session) -> WritingRequest:
    measured = [NewAccuracy(model="hen", dataset="sea", value=0.5)]
    added = accuracies.add(session, project=PROJECT, measurements=measured)
    accuracy = added.accuracies[0].id
    return WritingRequest({"accuracy_id": accuracy}, {}, {"id": accuracy})


def _revoked_key(zoo: Zoo, session: Session) -> WritingRequest:
    key = keys.issue(session, project=PROJECT, name="old", scopes=["read"])
    return WritingRequest({"key_id": key.record.id}, {}, {"id": key.record.id})


MODEL = _form(MANIFEST, archive(), "fox.pt2")
DATASET = _form({"name": "farm"}, archive("a/1.png"), "farm.zip")
ROUTES: dict[str, Make] = {
    "post /v1/models": lambda *_: MODEL,
    "patch /v1/models/{model_id}": _changed_model,
    "delete /v1/models/{model_id}": _deleted_model,
    "put /v1/models/{model_id}/aliases/{alias}": _new_alias,
    "delete /v1/models/{model_id}/aliases/{alias}": _removed_alias,
    "post /v1/models/{model_id}/family:confirm": _confirmed_relative,
    "post /v1/datasets": lambda *_: DATASET,
    "delete /v1/datasets/{dataset_id}": _deleted_dataset,
    "post /v1/uploads": lambda *_: _json({"size": 10}),
    "patch /v1/uploads/{upload_id}": _upload,
    "post /v1/jobs": _new_job,
    "post /v1/jobs/{job_id}:cancel": _queued_job,
    "post /v1/jobs/{job_id}:retry": _failed_job,
    "post /v1/rankings": _ranking,
    "post /v1/layer-selections": _selection,
    "post /v1/concept-searches": _concept_search,
    "post /v1/maps": _map,
    "post /v1/attributions": _heat_maps,
    "post /v1/models/{model_id}/attributions": _heat_maps_of_model,
    "post /v1/accuracies": _accuracies,
    "delete /v1/accuracies/{accuracy_id}": _deleted_accuracy,
    "post /v1/keys": lambda *_: _json({"name": "ci", "scopes": ["read"]}),
    "delete /v1/keys/{key_id}": _revoked_key,
    "post /v1/sessions": lambda *_: WritingRequest(),
    "delete /v1/sessions": lambda *_: WritingRequest(),
    "post /v1/sign-in-links": lambda *_: WritingRequest(),
    "patch /v1/quotas/{project}": lambda *_: _json({"models": 1000}, project=PROJECT),
}
CALLS: dict[str, Make] = {
    "CreateModel": ROUTES["post /v1/models"],
    "UpdateModel": _changed_model,
    "DeleteModel": _deleted_model,
    "SetModelAlias": _new_alias,
    "DeleteModelAlias": _removed_alias,
    "ConfirmFamily": _confirmed_relative,
    "CreateDataset": ROUTES["post /v1/datasets"],
    "DeleteDataset": _deleted_dataset,
    "SubmitJob": _new_job,
    "CancelJob": _queued_job,
    "RetryJob": _failed_job,
    "Rank": _ranking,
    "SelectLayer": lambda zoo, session: _listed(_selection(zoo, session), "layers", "names"),
    "SearchConcept": _concept_search,
    "CreateMap": _map,
    "CreateAttributions": lambda zoo, session: _listed(
        _heat_maps(zoo, session), "indices", "list"
    ),
    "AddAccuracies": _accuracies,
    "DeleteAccuracy": _deleted_accuracy,
    "CreateKey": lambda *_: WritingRequest(body={"name": "ci", "scopes": ["read"]}),
    "RevokeKey": _revoked_key,
    "SetQuotas": lambda *_: WritingRequest(body={"project": PROJECT, "models": 1000}),
}


def _listed(request: WritingRequest, field: str, choice: str) -> WritingRequest:
    """The request, with a list as the message that is one choice of a field."""
    body = {name: value for name, value in request.body.items() if name != field}
    return WritingRequest(body={**body, choice: {"values": request.body[field]}})


def writing_routes(zoo: Zoo) -> Iterator[str]:
    """Every route that may change something, as ``post /v1/models``."""
    for path, operations in create_app(zoo).openapi()["paths"].items():
        for method in operations:
            if method in WRITING and path not in EXEMPT_ROUTES:
                yield f"{method} {path}"


def writing_rpcs() -> Iterator[MethodDescriptor]:
    """Every RPC that may change something."""
    for service in SERVICES:
        for call in Default().FindServiceByName(service).methods:
            if not call.name.startswith(READING) and call.name not in EXEMPT_CALLS:
                yield call


def messages_for(call: MethodDescriptor, request: WritingRequest) -> Message | Iterator[Message]:
    """The message, or the stream of messages, that a call takes."""
    kind = GetMessageClass(call.input_type)
    message = ParseDict(request.body, kind())
    if not call.client_streaming:
        return message
    return iter([message, kind(chunk=request.chunk)])
