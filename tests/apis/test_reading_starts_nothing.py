"""Whoever looks starts nothing: every GET and every reading call answers a key that only reads.

Generated from the OpenAPI document and from the descriptors of the gRPC services, so that a new
route or call is looked at too.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import Default
from google.protobuf.message_factory import GetMessageClass
from sqlalchemy import func, select

from service.container import Zoo
from service.core.operations.access import keys
from service.core.operations.families.recording import record_sketch
from service.core.tables import ArtifactRecord, JobRecord, TableRow
from service.rest.app import create_app
from tests.apis.tenancy.rest_operations import ENDLESS
from tests.core.families import tensors
from tests.rest.drawings import draw, draw_pictures
from tests.rest.families import a_family
from tests.rest.served import (
    PROJECT,
    a_dataset,
    a_graph,
    a_model,
    a_set_of_clips,
    client_of,
    masked,
    serving,
    some_responses,
    stored,
)
from tests.rpc.channels import channel_to, listening
from tests.waiting import HANG_SECONDS

# Only administrators may see the keys.
ADMINISTRATORS = frozenset({"/v1/keys", "/v1/audit"})
SERVICES = ("Model", "Dataset", "Transferability", "Concept", "Accuracy", "Job", "Method", "Quota")
READING = ("Get", "List", "Download", "Watch")


@pytest.fixture
def ids(zoo: Zoo) -> dict[str, Any]:
    """Ids in a zoo with content, under the names that routes and messages have for them."""
    with zoo.transaction() as session:
        probes = masked(session, a_dataset(zoo, session))
        hen = a_family(zoo, session).hen
        upload = stored(zoo, b"a network")
        fox = a_model(session, name="fox", upload_sha256=upload, output_kind="vector")
        owl = a_model(session)
        for model in (fox, owl):
            a_graph(session, model, probes, sketch=[1.0] + [0.0] * 1535)
        concept = a_dataset(zoo, session)
        some_responses(zoo, session, fox, probes)
        record_sketch(session, fox, weights=tensors.stored(tensors.random_tensors(0)), others=5)
        token = keys.issue(session, project=PROJECT, name="all", scopes=["admin"]).token
        named = {"model_id": fox.id, "dataset_id": probes.id, "dataset": probes.id}
        named |= {
            "clips_id": a_set_of_clips(zoo, session).id,
            "reference": fox.id,
            "other": owl.id,
            "other_model_id": owl.id,
        }
        measured = (probes.id, sorted([fox.id, owl.id]))
    with serving(zoo) as url, client_of(url, token) as client:
        target = {"target": {"model_id": fox.id}, "probe_set_id": probes.id}
        cut = {**target, "source_model_id": owl.id, "layers": ["conv"]}
        searched = {"dataset_id": concept.id, "probe_set_id": probes.id}
        drawing = {"dataset_id": probes.id, "indices": [0]}
        made = {
            "ranking_id": client.post("/v1/rankings", json={**target, "metric": "depara"}),
            "selection_id": client.post("/v1/layer-selections", json=cut),
            "search_id": client.post("/v1/concept-searches", json=searched),
            "upload_id": client.post("/v1/uploads", json={"size": 10}),
            "map_job": client.post("/v1/maps", json={"dataset_id": probes.id}),
            "job_id": client.post(f"/v1/models/{fox.id}/attributions", json=drawing),
        }
    created = {name: answer.json()["id"] for name, answer in made.items()}
    draw(zoo, measured, created["map_job"])
    draw_pictures(zoo, created["job_id"])
    with zoo.transaction() as session:
        of_map = select(ArtifactRecord.id).where(ArtifactRecord.job_id == created["map_job"])
        artifact_id = session.scalars(of_map).first()
    fixed = {"artifact_id": artifact_id, "map_id": "map_1", "index": 0, "name": "depara"}
    fixed |= {"unit": 0, "q": "cat"}
    fixed |= {"model_name": "hen", "dataset_name": "farm"}
    return {**named, **created, **fixed, "hen": hen}


@pytest.fixture
def reading(zoo: Zoo) -> str:
    """A key that may only read."""
    with zoo.transaction() as session:
        return keys.issue(session, project=PROJECT, name="r", scopes=["read"]).token


def rows(zoo: Zoo) -> dict[str, Any]:
    """How many rows every table has, and what is stored of jobs."""
    with zoo.transaction() as session:
        counts: dict[str, Any] = {
            name: session.scalar(select(func.count()).select_from(table))
            for name, table in TableRow.metadata.tables.items()
            if name != "audit"  # Downloads are recorded; they start nothing.
        }
        states = select(JobRecord.id, JobRecord.state, JobRecord.events).order_by(JobRecord.id)
        return {**counts, "states": session.execute(states).all()}


def gets(zoo: Zoo, ids: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every GET of the document with a key: plain, and with each value of each choice."""
    document = create_app(zoo).openapi()
    for path, operations in document["paths"].items():
        operation = operations.get("get")
        left_out = path in ADMINISTRATORS or path in ENDLESS
        if operation is None or left_out or not operation.get("security"):
            continue
        named = operation.get("parameters", [])
        shown = {**ids, "dataset_id": ids["clips_id"]} if "/clips" in path else ids
        url = path.format(
            **{
                parameter["name"]: shown[parameter["name"]]
                for parameter in named
                if parameter["in"] == "path"
            }
        )
        query = [parameter for parameter in named if parameter["in"] == "query"]
        must = {
            parameter["name"]: ids[parameter["name"]]
            for parameter in query
            if parameter.get("required")
        }
        yield url, must
        for parameter in query:
            for value in choices_of(parameter["schema"], document):
                yield url, {**must, parameter["name"]: value}


def choices_of(schema: dict[str, Any], document: dict[str, Any]) -> list[Any]:
    """The values of an enumeration, wherever the document keeps it."""
    if "$ref" in schema:
        shape = schema["$ref"].rpartition("/")[2]
        return choices_of(document["components"]["schemas"][shape], document)
    nested = (choices_of(option, document) for option in schema.get("anyOf", ()))
    return [*schema.get("enum", ()), *itertools.chain.from_iterable(nested)]


def test_every_get_answers_a_key_that_reads_and_writes_no_row(
    zoo: Zoo, ids: dict[str, Any], reading: str
) -> None:
    asked, before, refused = 0, rows(zoo), []

    with serving(zoo) as url, client_of(url, reading) as client:
        for path, query in gets(zoo, ids):
            asked += 1
            status = client.get(path, params=query).status_code
            if status not in (200, 404, 409):
                refused.append((path, query, status))

    assert not refused
    assert asked > 50
    assert rows(zoo) == before


def reading_calls() -> list[MethodDescriptor]:
    """Every call that is named for looking."""
    methods = []
    for service in SERVICES:
        described = Default().FindServiceByName(f"zoo.v1.{service}Service")
        methods += [method for method in described.methods if method.name.startswith(READING)]
    return methods


def message_for(call: MethodDescriptor, ids: dict[str, Any]) -> Any:
    """The request of a call, with every field that names something."""
    thing = call.name.removeprefix("Get").removeprefix("List").removeprefix("Download")
    own = {"Ranking": "ranking_id", "LayerSelection": "selection_id", "Dataset": "dataset_id"}
    own["ConceptSearch"] = "search_id"
    own |= {
        "Image": "dataset_id",
        "Clips": "clips_id",
        "ClipPicture": "clips_id",
        "Mask": "dataset_id",
        "Job": "job_id",
        "WatchJob": "job_id",
        "Artifact": "artifact_id",
    }
    message = GetMessageClass(call.input_type)()
    for field in call.input_type.fields:
        value = ids[own.get(thing, "model_id")] if field.name == "id" else ids.get(field.name)
        if value is not None and not (field.name == "name" and thing == "Models"):
            setattr(message, field.name, value)
    return message


def status_of(channel: grpc.Channel, call: MethodDescriptor, request: Any) -> grpc.StatusCode:
    """How a call ends."""
    path = f"/{call.containing_service.full_name}/{call.name}"
    dial = channel.unary_stream if call.server_streaming else channel.unary_unary
    ask = dial(path, lambda sent: sent.SerializeToString(), lambda answer: answer)
    try:
        answered = ask(request, timeout=HANG_SECONDS)
        if call.server_streaming:
            list(answered)
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()
        return code
    return grpc.StatusCode.OK


def test_every_reading_call_answers_a_key_that_reads_and_writes_no_row(
    zoo: Zoo, ids: dict[str, Any], reading: str
) -> None:
    before, calls = rows(zoo), reading_calls()

    with listening(zoo) as address, channel_to(address, reading) as channel:
        codes = {call.name: status_of(channel, call, message_for(call, ids)) for call in calls}

    assert {name: code for name, code in codes.items() if code is not grpc.StatusCode.OK} == {}
    assert len(calls) > 18
    assert rows(zoo) == before
