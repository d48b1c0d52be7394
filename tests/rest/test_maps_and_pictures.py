"""GET serves computed maps and heat maps; POST computes them, many in one job."""

import io
import json
import re
import threading
from typing import Any

import httpx
import numpy as np
import pytest

from service.core.catalog.depara import DeparaParams, settings_of
from service.core.operations.jobs import jobs
from service.core.operations.measurements import graphs
from service.core.tables import DatasetRecord, JobRecord, JobState
from tests.rest.drawings import NODE, VALID, draw, draw_pictures
from tests.rest.served import IMAGES, Served, a_dataset, a_graph, a_model


@pytest.fixture
def measured(served: Served) -> tuple[str, list[str]]:
    """A probe set and two models measured on it."""
    with served.zoo.transaction() as session:
        probes = a_dataset(served.zoo, session)
        models = [a_model(session, name=name) for name in ("fox", "hen")]
        for model in models:
            a_graph(session, model, probes)
        return probes.id, sorted(model.id for model in models)


def order_map(served: Served, measured: tuple[str, list[str]], **asked: Any) -> httpx.Response:
    return served.client.post("/v1/maps", json={"dataset_id": measured[0], **asked})


def post_in(remedy: str) -> tuple[str, dict[str, Any]]:
    """The path and body of the POST that a remedy names."""
    result = re.search(r"POST (\S+) (\{.*?\})(?:;|$)", remedy)
    assert result is not None
    return result[1], json.loads(result[2])


def test_a_map_is_computed_once_and_served_in_every_format(served: Served, measured):
    path = f"/v1/maps/{measured[0]}"
    ordered = order_map(served, measured)
    draw(served.zoo, measured, ordered.json()["id"])

    again = order_map(served, measured)
    result = served.client.get(path)
    table = served.client.get(path, params={"format": "csv"})
    arrays = served.client.get(path, params={"format": "npz"})
    picture = served.client.get(path, params={"format": "svg"})
    dark = served.client.get(path, params={"format": "svg", "theme": "dark"})
    dark = served.client.get(path, params={"format": "svg", "theme": "dark"})

    assert (ordered.status_code, ordered.json()["method"]) == (202, "transferability_map")
    assert ordered.headers["Location"] == f"/v1/jobs/{ordered.json()['id']}"
    assert (again.status_code, again.json()["models"]) == (201, 2)
    assert served.client.get(again.headers["Location"]).content == result.content
    assert (result.status_code, result.json()["document"]["models"]) == (200, measured[1])
    assert table.text.splitlines()[1] == f"{measured[1][0]},1.25,"
    assert picture.content == b"<svg/>"
    assert dark.content == b"<svg><g/></svg>"
    assert dark.content == b"<svg><g/></svg>"
    with np.load(io.BytesIO(arrays.content)) as archive:
        np.testing.assert_array_equal(archive["node"], NODE)
        assert archive["names"].tolist() == ["fox", "hen"]
    assert "matrices" not in result.json()["document"]
    received = {"If-None-Match": result.headers["ETag"]}
    assert served.client.get(path, headers=received).status_code == 304


def test_a_map_has_the_matrices_that_a_request_names(served: Served, measured):
    draw(served.zoo, measured, order_map(served, measured).json()["id"])
    path = f"/v1/maps/{measured[0]}"

    every = served.client.get(path, params={"include": ["edge", "score", "valid"]})
    part = served.client.get(path, params={"include": "node", "indices": 1})
    outside = served.client.get(path, params={"include": "node", "indices": 2})

    assert every.json()["document"]["matrices"] == {
        "edge": [[1.0, None], [0.2, 1.0]],
        "score": [[1.25, None], [0.55, 1.25]],
        "valid": VALID,
    }
    assert part.json()["document"]["matrices"] == {"node": [[1.0]]}
    assert (outside.status_code, outside.json()["code"]) == (422, "index_out_of_range")


def test_another_measured_model_makes_a_new_map(served: Served, measured):
    draw(served.zoo, measured, order_map(served, measured).json()["id"])
    with served.zoo.transaction() as session:
        dataset = session.get_one(DatasetRecord, measured[0])
        a_graph(session, a_model(session), dataset)

    missing = served.client.get(f"/v1/maps/{measured[0]}")

    assert (missing.status_code, missing.json()["code"]) == (404, "not_measured")
    assert order_map(served, measured).status_code == 202


def test_a_missing_map_names_the_post_that_computes_it(served: Served, measured):
    asked = {"linkage": "ward", "edge_weight": 2.0, "format": "csv"}
    missing = served.client.get(f"/v1/maps/{measured[0]}", params=asked)

    path, body = post_in(missing.json()["remedy"])
    ordered = served.client.post(path, json=body)

    assert body == {"dataset_id": measured[0], "linkage": "ward", "edge_weight": 2.0}
    assert (ordered.status_code, ordered.json()["params"]["linkage"]) == (202, "ward")


@pytest.mark.parametrize("reference", ["id", "name"])
def test_a_client_that_waits_gets_the_map(served: Served, measured, reference: str):
    dataset_id = measured[0]
    dataset = served.client.get(f"/v1/datasets/{dataset_id}").json()
    job_id = order_map(served, measured).json()["id"]
    threading.Timer(0.3, draw, (served.zoo, measured, job_id)).start()

    answer = served.client.post(
        "/v1/maps",
        json={"dataset_id": dataset[reference]},
        headers={"Prefer": "wait=10"},
    )

    assert (answer.status_code, answer.json()["id"]) == (201, "map_1"), answer.text


def test_the_same_post_of_a_map_runs_once(served: Served, measured):
    body, headers = {"dataset_id": measured[0]}, {"Idempotency-Key": "k"}
    first = served.client.post("/v1/maps", json=body, headers=headers)
    draw(served.zoo, measured, first.json()["id"])

    again = served.client.post("/v1/maps", json=body, headers=headers)
    other = served.client.post("/v1/maps", json={**body, "k": 1}, headers=headers)

    assert (again.status_code, again.json()) == (202, first.json())
    assert other.json()["code"] == "idempotency_key_reused"


def test_a_probe_set_without_measurements_has_no_map(served: Served):
    with served.zoo.transaction() as session:
        dataset = a_dataset(served.zoo, session).id

    missing = served.client.get(f"/v1/maps/{dataset}")
    refused = served.client.post("/v1/maps", json={"dataset_id": dataset})

    assert (missing.status_code, missing.json()["code"]) == (404, "not_measured")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_measured")


def test_a_map_by_depara_plus_shows_graphs_with_flattened_edges_alone(served: Served, measured):
    before = order_map(served, measured, metric="depara_plus")
    settings = settings_of("depara_plus", DeparaParams())
    with served.zoo.transaction() as session:
        dataset = session.get_one(DatasetRecord, measured[0])
        key = graphs.comparable_key(dataset.manifest_sha256 or "", settings)
        a_graph(session, a_model(session), dataset, comparable_key=key, cache_key="plus")

    ordered = order_map(served, measured, metric="depara_plus")

    assert (before.status_code, before.json()["code"]) == (409, "nothing_measured")
    assert ordered.status_code == 202
    assert ordered.json()["params"]["settings"]["spectrum"] == "flattened"
    assert ordered.json()["params"]["edge_weight"] == 4.0


def test_an_image_named_twice_is_refused(served: Served, measured):
    drawing = {"dataset_id": measured[0], "indices": [0, 0]}

    answers = [
        served.client.post("/v1/attributions", json={**drawing, "model_ids": measured[1]}),
        served.client.post(f"/v1/models/{measured[1][0]}/attributions", json=drawing),
    ]

    assert [answer.status_code for answer in answers] == [422, 422]


def test_a_read_only_key_starts_no_job(served: Served, measured):
    reader = served.with_scopes("read")
    drawing = {"dataset_id": measured[0], "indices": [0]}

    refused = [
        reader.post("/v1/maps", json={"dataset_id": measured[0]}),
        reader.post("/v1/attributions", json={**drawing, "model_ids": measured[1]}),
        reader.post(f"/v1/models/{measured[1][0]}/attributions", json=drawing),
    ]

    assert [answer.status_code for answer in refused] == [403, 403, 403]


def test_another_project_can_neither_read_nor_compute(served: Served, measured):
    stranger = served.with_scopes("read", "jobs", project="other")
    dataset, (model, _) = measured
    drawing = {"dataset_id": dataset, "indices": [0]}

    answers = [
        stranger.get(f"/v1/maps/{dataset}"),
        stranger.post("/v1/maps", json={"dataset_id": dataset}),
        stranger.get(f"/v1/models/{model}/attributions/{dataset}/0.png"),
        stranger.post(f"/v1/models/{model}/attributions", json=drawing),
        stranger.post("/v1/attributions", json={**drawing, "model_ids": [model]}),
    ]

    assert [answer.json()["code"] for answer in answers] == [
        "dataset_not_found", "unknown_dataset", "model_not_found", "model_not_found",
        "unknown_model",
    ]  # fmt: skip


def test_many_heat_maps_are_one_job_and_each_is_then_available(served: Served, measured):
    dataset, models = measured
    look = {"method": "saliency", "style": "signed"}
    body = {"model_ids": models, "dataset_id": dataset, "indices": {"stop": 2}, **look}
    path = f"/v1/models/{models[1]}/attributions/{dataset}/1.png"
    missing = served.client.get(path, params=look)

    ordered = served.client.post("/v1/attributions", json=body)
    draw_pictures(served.zoo, ordered.json()["id"])
    again = served.client.post("/v1/attributions", json=body)

    picture = served.client.get(path, params=look)
    assert (missing.status_code, missing.json()["code"]) == (404, "not_measured")
    assert (ordered.status_code, again.status_code) == (202, 201)
    assert ordered.json()["inputs"]["indices"] == [0, 1]
    assert again.json()["id"] == ordered.json()["id"]
    assert picture.content == f"PNG {models[1]}_00001.png".encode()
    assert served.client.get(path).json()["code"] == "not_measured"
    with served.zoo.transaction() as session:
        assert session.query(JobRecord).count() == 1


def test_a_missing_heat_map_names_the_post_that_computes_it(served: Served, measured):
    path = f"/v1/models/{measured[1][0]}/attributions/{measured[0]}/1.png"
    asked = {"method": "saliency", "layer": "conv"}
    missing = served.client.get(path, params=asked)

    order, body = post_in(missing.json()["remedy"])
    ordered = served.client.post(order, json=body)
    draw_pictures(served.zoo, ordered.json()["id"])

    assert order == f"/v1/models/{measured[1][0]}/attributions"
    assert ordered.json()["params"]["attribution"] == "saliency"
    assert served.client.get(path, params=asked).status_code == 200


def test_heat_maps_that_cannot_be_computed_report_the_reason(served: Served, measured):
    body = {"dataset_id": measured[0], "indices": [0]}
    path = f"/v1/models/{measured[1][0]}/attributions"
    job_id = served.client.post(path, json=body).json()["id"]

    def fail() -> None:
        with served.zoo.transaction() as session:
            error = {"code": "attribution_not_supported", "detail": "no", "remedy": "another"}
            jobs.end(session, session.get_one(JobRecord, job_id), JobState.FAILED, error=error)

    threading.Timer(0.3, fail).start()
    answer = served.client.post(path, json=body, headers={"Prefer": "wait=10"})

    assert (answer.status_code, answer.json()["code"]) == (422, "attribution_not_supported")


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"layer": "fc9"}, "unknown_layer", "/layer"),
        ({"indices": [0, IMAGES]}, "unknown_image", "/indices"),
        ({"indices": {"start": 3, "stop": 3}}, "invalid_request", "/body"),
        ({"indices": list(range(65))}, "invalid_request", "/body/indices/list"),
        ({"indices": [0, 0]}, "invalid_request", "/body"),
        ({"model_ids": ["mdl_0"]}, "unknown_model", "/model_ids/0"),
        ({"dataset_id": "dst_0"}, "unknown_dataset", "/dataset_id"),
        ({"model_ids": [f"mdl_{n}" for n in range(9)], "indices": {"stop": 64}},
         "invalid_request", "/body"),
    ],
)  # fmt: skip
def test_an_invalid_heat_map_request_is_refused(
    served: Served, measured, change: dict[str, Any], code: str, pointer: str
):
    body = {"model_ids": measured[1], "dataset_id": measured[0], "indices": [0], **change}

    answer = served.client.post("/v1/attributions", json=body).json()

    assert (answer["code"], answer["errors"][0]["pointer"]) == (code, pointer)
    beyond = f"/v1/models/{measured[1][0]}/attributions/{measured[0]}/{IMAGES}.png"
    missing = served.client.get(beyond)
    assert missing.json()["code"] == "image_not_found"
