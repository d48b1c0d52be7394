"""A training request may have its teachers, data and student at the top level."""

from typing import Any

import pytest

from service.core.operations.jobs.lifecycle import claim
from service.core.tables import JobRecord, JobState
from tests.rest.served import Served, a_dataset, a_model


@pytest.fixture
def training(served: Served) -> dict[str, Any]:
    """A request that fits, in the flat spelling."""
    with served.zoo.transaction() as session:
        data = a_dataset(served.zoo, session)
        size = {"height": 8, "width": 8, "channels": 3}
        manifest = {"name": "hen", "classes": ["cat", "dog"], "input": size}
        teacher = a_model(session, manifest=manifest, output_kind="vector")
    return {
        "method": "knowledge_distillation",
        "teachers": [teacher.id],
        "dataset_id": data.id,
        "student": {"architecture": "plain", "width": 8},
        "params": {"temperature": 2.0},
        "seed": 3,
        "device": "cpu",
        "budget": {"steps": 5},
    }


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """The same request in the other spelling."""
    names = ("student", "seed", "device", "budget")
    return {
        "method": flat["method"],
        "inputs": {name: flat[name] for name in ("teachers", "dataset_id")},
        "params": flat["params"] | {name: flat[name] for name in names},
    }


def refused(served: Served, body: dict[str, Any]) -> tuple[int, str, list[str]]:
    """Status, code and pointers of a refusal."""
    answer = served.client.post("/v1/jobs", json=body)
    response = answer.json()
    assert response["remedy"]
    return answer.status_code, response["code"], [item["pointer"] for item in response["errors"]]


def test_both_spellings_make_the_same_job(served: Served, training: dict[str, Any]):
    item = served.client.post("/v1/jobs", json=training)
    other = served.client.post("/v1/jobs", json=nested(training))

    assert item.status_code == other.status_code == 202, item.text
    assert item.json()["inputs"] == other.json()["inputs"]
    assert item.json()["params"] == other.json()["params"]
    assert item.json()["params"]["student"]["width"] == 8
    assert item.json()["inputs"] == {
        "teachers": training["teachers"],
        "dataset_id": training["dataset_id"],
        "eval_dataset_id": None,
    }


def test_null_means_not_given(served: Served, training: dict[str, Any]):
    answer = served.client.post(
        "/v1/jobs", json={**training, "eval_dataset_id": None, "seed": None}
    )

    assert answer.status_code == 202
    assert answer.json()["params"]["seed"] == 0


def test_a_value_given_twice_is_refused_at_its_pointer(served: Served, training: dict[str, Any]):
    body = {**training, "params": {"seed": 4}, "inputs": {"dataset_id": "dst_2"}}

    assert refused(served, body) == (422, "repeated_field", ["/dataset_id", "/seed"])


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"student": {"width": 1}}, "/student/width"),
        ({"budget": {"steps": 5, "seconds": 1}}, "/budget"),
        ({"budget": {"hours": 1}}, "/budget/hours"),
        ({"device": "tpu"}, "/device"),
        ({"seed": -1}, "/seed"),
        ({"params": {"temperature": 0}}, "/params/temperature"),
        ({"teachers": []}, "/teachers"),
        ({"dataset_id": None}, "/dataset_id"),
    ],
)
def test_pointers_name_the_fields_where_the_request_has_them(
    served: Served, training: dict[str, Any], change: dict[str, Any], pointer: str
):
    status, _, pointers = refused(served, {**training, **change})

    assert (status, pointers) == (422, [pointer])


@pytest.mark.parametrize(
    ("part", "change", "pointer"),
    [
        ("params", {"student": {"width": 1}}, "/params/student/width"),
        ("inputs", {"teachers": ["mdl_1"]}, "/inputs/dataset_id"),
    ],
)
def test_pointers_lead_inside_where_the_request_has_an_inside(
    served: Served, training: dict[str, Any], part: str, change: dict[str, Any], pointer: str
):
    status, _, pointers = refused(served, {**nested(training), part: change})

    assert (status, pointers) == (422, [pointer])


def test_a_field_that_the_method_does_not_take_is_named(served: Served):
    inputs = {"model_id": "mdl_1", "dataset_id": "dst_1"}
    body = {"method": "depara", "inputs": inputs, "budget": {"steps": 1}}

    assert refused(served, body) == (422, "invalid_params", ["/budget"])


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"teachers": ["mdl_0"]}, "unknown_model", "/teachers/0"),
        ({"dataset_id": "dst_0"}, "unknown_dataset", "/dataset_id"),
        ({"eval_dataset_id": "dst_0"}, "unknown_dataset", "/eval_dataset_id"),
        ({"student": {"init": "mdl_0"}}, "unknown_model", "/student/init"),
        ({"student": {"labels": ["cow"]}}, "unknown_labels", "/student/labels"),
        ({"student": {"num_classes": 3}}, "num_classes_mismatch", "/student/num_classes"),
        ({"params": {"teacher_layer": "nose"}}, "layer_not_found", "/params/teacher_layer"),
    ],
)
def test_incompatible_options_are_refused_with_a_remedy(
    served: Served, training: dict[str, Any], change: dict[str, Any], code: str, pointer: str
):
    assert refused(served, {**training, **change}) == (422, code, [pointer])


def test_a_teacher_that_is_not_ready_is_named(served: Served, training: dict[str, Any]):
    with served.zoo.transaction() as session:
        young = a_model(session, state="checking").id
    body = {**training, "teachers": [*training["teachers"], young]}

    assert refused(served, body) == (409, "model_not_ready", ["/teachers/1"])


def test_a_task_that_no_teacher_covers_is_refused_with_their_labels(
    served: Served, training: dict[str, Any]
):
    params = {"tasks": [{"name": "animals", "labels": ["cat", "cow"]}]}
    body = {**training, "method": "adaptive_amalgamation", "params": params}

    assert refused(served, body) == (422, "unknown_task", ["/params/tasks/0/labels"])


@pytest.mark.parametrize("role", ["dataset_id", "eval_dataset_id"])
def test_datasets_of_an_unfinished_training_cannot_be_deleted(
    served: Served, training: dict[str, Any], role: str
):
    with served.zoo.transaction() as session:
        images = a_dataset(served.zoo, session).id
    job_id = served.client.post("/v1/jobs", json={**training, role: images}).json()["id"]

    refused = served.client.delete(f"/v1/datasets/{images}")
    served.client.post(f"/v1/jobs/{job_id}:cancel")
    removed = served.client.delete(f"/v1/datasets/{images}")

    assert (refused.status_code, refused.json()["code"]) == (409, "dataset_in_use")
    assert removed.status_code == 204


@pytest.mark.parametrize("role", ["teacher", "start"])
def test_networks_of_a_running_training_cannot_be_deleted(
    served: Served, training: dict[str, Any], role: str
):
    (teacher,) = training["teachers"]
    with served.zoo.transaction() as session:
        manifest = {"name": "egg", "input": {"height": 8, "width": 8, "channels": 3}}
        start = a_model(session, manifest=manifest).id
    body = {**training, "student": {**training["student"], "init": start}}
    job_id = served.client.post("/v1/jobs", json=body).json()["id"]
    with served.zoo.transaction() as session:
        assert claim(session, worker="a", queues=["cpu"], lease_seconds=60, running_seconds=60)
    path = f"/v1/models/{teacher if role == 'teacher' else start}"
    etag = served.client.get(path).headers["etag"]

    refused = served.client.delete(path, headers={"If-Match": etag})
    with served.zoo.transaction() as session:
        session.get_one(JobRecord, job_id).state = JobState.FAILED
    removed = served.client.delete(path, headers={"If-Match": etag})

    assert (refused.status_code, refused.json()["code"]) == (409, "model_in_use")
    assert removed.status_code == 204
