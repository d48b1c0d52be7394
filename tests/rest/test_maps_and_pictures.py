"""Maps and heat maps are served when they were drawn, and ordered as jobs when not."""

import io
import json
import struct
import threading
from array import array

import numpy as np
import pytest
from sqlalchemy import select

from service.core.catalogue.depara import DeparaParams, settings_of
from service.core.catalogue.transferability_map import TransferabilityMapParams
from service.core.operations import graphs, jobs, map_snapshots
from service.core.records import ArtifactRecord, DatasetRecord, JobRecord, JobState, MapRecord
from tests.rest.served import Served, a_dataset, a_graph, a_model, stored

NODE = [[1.0, 0.5], [0.5, 1.0]]
EDGE = [[1.0, float("nan")], [0.2, 1.0]]
DOCUMENT = {
    "names": ["fox", "hen"],
    "tree": {"joins": [{"left": 0, "right": 1, "height": 1.0, "size": 2}], "order": [0, 1]},
    "clusters": [0, 0],
    "neighbors": [[{"place": 1, "similarity": 0.5}], [{"place": 0, "similarity": 0.5}]],
    "points": [[0.0, 0.0], [1.0, 0.0]],
    "stress": 0.0,
}


def similarities() -> bytes:
    """A safetensors file with both matrices."""
    data = b"".join(array("d", row).tobytes() for row in (*NODE, *EDGE))
    header = json.dumps(
        {
            "__metadata__": {"a": "b"},
            "node": {"dtype": "F64", "shape": [2, 2], "data_offsets": [0, 32]},
            "edge": {"dtype": "F64", "shape": [2, 2], "data_offsets": [32, 64]},
        }
    ).encode()
    return struct.pack("<Q", len(header)) + header + data


def keep_file(served: Served, session, job_id: str, name: str, media_type: str, data: bytes):
    digest = stored(served.zoo, data)
    session.add(
        ArtifactRecord(
            id=f"art_{name.replace('.', '')}",
            project="default",
            job_id=job_id,
            name=name,
            media_type=media_type,
            sha256=digest,
            size_bytes=len(data),
        )
    )
    session.flush()


@pytest.fixture
def measured(served: Served) -> tuple[str, list[str]]:
    """A probe set and two models measured on it."""
    with served.zoo.transaction() as session:
        probes = a_dataset(served.zoo, session)
        models = [a_model(session, name=name) for name in ("fox", "hen")]
        for model in models:
            a_graph(session, model, probes)
        return probes.id, sorted(model.id for model in models)


def draw(served: Served, measured: tuple[str, list[str]], job_id: str) -> None:
    """What the job of a map leaves behind."""
    dataset_id, models = measured
    params = TransferabilityMapParams().model_dump(mode="json")
    with served.zoo.transaction() as session:
        job = session.get_one(JobRecord, job_id)
        manifest = session.get_one(DatasetRecord, dataset_id).manifest_sha256
        session.add(
            MapRecord(
                id="map_1",
                project="default",
                dataset_id=dataset_id,
                comparable_key=graphs.comparable_key(manifest or "", DeparaParams()),
                params_key=map_snapshots.params_key(job.params),
                models_key=map_snapshots.models_key(job.inputs["model_ids"]),
                edge_weight=params["edge_weight"],
                layout_id="map_1",
                document={**DOCUMENT, "models": models, "params": params},
                job_id=job_id,
            )
        )
        keep_file(served, session, job_id, "similarities.safetensors", "x/y", similarities())
        keep_file(served, session, job_id, "matrix.svg", "image/svg+xml", b"<svg/>")
        keep_file(served, session, job_id, "matrix-dark.svg", "image/svg+xml", b"<svg><g/></svg>")
        jobs.end(session, job, JobState.SUCCEEDED)


def test_a_map_is_drawn_once_and_then_served_in_every_form(served: Served, measured):
    path = f"/v1/maps/{measured[0]}"
    ordered = served.client.get(path)
    draw(served, measured, ordered.json()["id"])

    found = served.client.get(path)
    table = served.client.get(path, params={"format": "csv"})
    arrays = served.client.get(path, params={"format": "npz"})
    picture = served.client.get(path, params={"format": "svg"})
    dark = served.client.get(path, params={"format": "svg", "theme": "dark"})

    assert (ordered.status_code, ordered.json()["method"]) == (202, "transferability_map")
    assert ordered.headers["Location"] == f"/v1/jobs/{ordered.json()['id']}"
    assert (found.status_code, found.json()["document"]["models"]) == (200, measured[1])
    assert table.text.splitlines()[1] == f"{measured[1][0]},1.25,"
    assert picture.content == b"<svg/>"
    assert dark.content == b"<svg><g/></svg>"
    with np.load(io.BytesIO(arrays.content)) as archive:
        np.testing.assert_array_equal(archive["node"], NODE)
        assert archive["names"].tolist() == ["fox", "hen"]
    assert found.json()["document"]["matrices"]["edge"] == [[1.0, None], [0.2, 1.0]]
    seen = {"If-None-Match": found.headers["ETag"]}
    assert served.client.get(path, headers=seen).status_code == 304


def test_another_measured_model_makes_a_new_map(served: Served, measured):
    path = f"/v1/maps/{measured[0]}"
    draw(served, measured, served.client.get(path).json()["id"])
    with served.zoo.transaction() as session:
        dataset = session.get_one(type(a_dataset(served.zoo, session)), measured[0])
        a_graph(session, a_model(session), dataset)

    assert served.client.get(path).status_code == 202


def test_a_client_that_waits_gets_the_map(served: Served, measured):
    path = f"/v1/maps/{measured[0]}"
    job_id = served.client.get(path).json()["id"]
    threading.Timer(0.3, draw, (served, measured, job_id)).start()

    answer = served.client.get(path, headers={"Prefer": "wait=10"})

    assert (answer.status_code, answer.json()["id"]) == (200, "map_1")


def test_a_probe_set_on_which_nothing_was_measured_has_no_map(served: Served):
    with served.zoo.transaction() as session:
        dataset = a_dataset(served.zoo, session).id

    answer = served.client.get(f"/v1/maps/{dataset}")

    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_measured")


def test_a_map_by_depara_plus_shows_graphs_with_flattened_edges_alone(served: Served, measured):
    path, asked = f"/v1/maps/{measured[0]}", {"metric": "depara_plus"}
    before = served.client.get(path, params=asked)
    settings = settings_of("depara_plus", DeparaParams())
    with served.zoo.transaction() as session:
        dataset = session.get_one(DatasetRecord, measured[0])
        key = graphs.comparable_key(dataset.manifest_sha256 or "", settings)
        a_graph(session, a_model(session), dataset, comparable_key=key, cache_key="plus")

    ordered = served.client.get(path, params=asked)

    assert (before.status_code, before.json()["code"]) == (409, "nothing_measured")
    assert ordered.status_code == 202
    assert ordered.json()["params"]["settings"]["spectrum"] == "flattened"
    assert ordered.json()["params"]["edge_weight"] == 4.0


def test_a_reader_without_the_scope_jobs_gets_what_is_there_and_orders_nothing(
    served: Served, measured
):
    reader, path = served.with_scopes("read"), f"/v1/maps/{measured[0]}"

    refused = reader.get(path)
    draw(served, measured, served.client.get(path).json()["id"])

    assert refused.status_code == 403
    assert reader.get(path).status_code == 200


def test_a_heat_map_is_drawn_on_the_first_request_and_kept(served: Served, measured):
    path = f"/v1/models/{measured[1][0]}/attributions/{measured[0]}/1.png"

    def draw_picture() -> None:
        with served.zoo.transaction() as session:
            job = session.scalars(select(JobRecord)).one()
            keep_file(served, session, job.id, "map_00001.png", "image/png", b"\x89PNG map")
            jobs.end(session, job, JobState.SUCCEEDED)

    threading.Timer(0.5, draw_picture).start()
    first = served.client.get(path, params={"method": "saliency", "style": "signed"})
    again = served.client.get(path, params={"method": "saliency", "style": "signed"})

    assert (first.status_code, first.headers["content-type"]) == (200, "image/png")
    assert again.content == first.content == b"\x89PNG map"
    with served.zoo.transaction() as session:
        job = session.scalars(select(JobRecord)).one()
    assert (job.params["attribution"], job.inputs["indices"]) == ("saliency", [1])


def test_a_heat_map_that_cannot_be_drawn_tells_why(served: Served, measured):
    path = f"/v1/models/{measured[1][0]}/attributions/{measured[0]}/0.png"

    def fail() -> None:
        with served.zoo.transaction() as session:
            job = session.scalars(select(JobRecord)).one()
            error = {"code": "layer_unknown", "detail": "no layer fc9", "remedy": "see layers"}
            jobs.end(session, job, JobState.FAILED, error=error)

    threading.Timer(0.5, fail).start()
    answer = served.client.get(path, params={"layer": "fc9"})

    assert (answer.status_code, answer.json()["code"]) == (422, "layer_unknown")
    missing = served.client.get(path.replace("/0.png", "/9.png"))
    assert missing.json()["code"] == "image_not_found"
