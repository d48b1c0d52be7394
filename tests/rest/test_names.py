"""A model or a dataset may be named wherever it has an id: one row, or the candidates."""

import pytest
from sqlalchemy import select

from service.core.tables import AuditRecord, RankingRecord
from tests.rest.served import Served, a_dataset, a_model


def test_a_name_in_a_path_stands_for_the_id(served: Served):
    with served.zoo.transaction() as session:
        model = a_model(session, name="resnet 18, v1").id
        dataset = a_dataset(served.zoo, session, name="farm").id

    shown = served.client.get("/v1/models/resnet 18, v1")
    layers = served.client.get("/v1/models/resnet 18, v1/layers")
    images = served.client.get("/v1/datasets/farm/images")

    assert shown.json()["id"] == model
    assert layers.json()["model_id"] == model
    assert served.client.get(f"/v1/datasets/{dataset}/images").json() == images.json()


def test_a_name_with_slashes_has_a_path_of_its_own(served: Served):
    with served.zoo.transaction() as session:
        model = a_model(session, name="timm/resnet18").id
        dataset = a_dataset(served.zoo, session, name="a/b").id

    assert served.client.get("/v1/models/by-name/timm/resnet18").json()["id"] == model
    assert served.client.get("/v1/datasets/by-name/a/b").json()["id"] == dataset


def test_an_unknown_name_is_refused_with_near_ones(served: Served):
    with served.zoo.transaction() as session:
        a_model(session, name="resnet18")
        a_model(session, name="vit_tiny")

    problem = served.client.get("/v1/models/Resnet_18").json()

    assert problem["code"] == "model_not_found"
    assert problem["remedy"].startswith("did you mean resnet18?")


def test_a_name_of_several_is_refused_with_the_candidates(served: Served):
    with served.zoo.transaction() as session:
        ids = [a_dataset(served.zoo, session, name="fox").id for _ in range(2)]

    answer = served.client.get("/v1/datasets/fox")

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "ambiguous_name")
    assert [candidate["id"] for candidate in problem["candidates"]] == ids[::-1]
    assert {candidate["state"] for candidate in problem["candidates"]} == {"ready"}


def test_a_rejected_model_counts_only_when_no_other_has_the_name(served: Served):
    with served.zoo.transaction() as session:
        ready = a_model(session, name="fox").id
        a_model(session, name="fox", state="rejected")
        alone = a_model(session, name="owl", state="rejected").id

    assert served.client.get("/v1/models/fox").json()["id"] == ready
    assert served.client.get("/v1/models/owl").json()["id"] == alone


def test_a_name_of_another_project_is_unknown(served: Served):
    with served.zoo.transaction() as session:
        a_model(session, name="fox", project="other")

    problem = served.client.get("/v1/models/fox").json()

    assert problem["code"] == "model_not_found"
    assert "did you mean" not in problem["remedy"]


def test_a_ranking_is_created_and_stored_by_id_from_names(served: Served):
    with served.zoo.transaction() as session:
        target = a_dataset(served.zoo, session, name="farm").id
        fox, hen = (a_model(session, name=name).id for name in ("fox", "hen"))
    body = {"target": {"dataset_id": "farm"}, "metric": "logme"}
    body["candidates"] = {"model_ids": ["fox", hen]}

    ranking = served.client.post("/v1/rankings", json=body).json()

    assert ranking["target_dataset_id"] == target
    with served.zoo.transaction() as session:
        record = session.scalars(select(RankingRecord)).one()
        assert {candidate["model_id"] for candidate in record.candidates} == {fox, hen}


def test_a_wrong_name_in_a_body_is_pointed_at(served: Served):
    with served.zoo.transaction() as session:
        a_dataset(served.zoo, session, name="farm")
        hen = a_model(session, name="hen").id
    body = {"target": {"dataset_id": "farm"}, "metric": "logme"}
    body["candidates"] = {"model_ids": [hen, "hn"]}

    answer = served.client.post("/v1/rankings", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_model")
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/candidates/model_ids/1"]
    assert "did you mean hen" in answer.json()["remedy"]


@pytest.mark.parametrize("where", ["top", "inputs"])
def test_a_job_takes_names_and_stores_ids(served: Served, where: str):
    with served.zoo.transaction() as session:
        model = a_model(session, name="fox").id
        dataset = a_dataset(served.zoo, session, name="farm").id
    inputs = {"model_id": "fox", "dataset_id": "farm"}
    body = {"method": "depara", "inputs": inputs}
    if where == "top":
        body = {"method": "depara", "inputs": {"model_id": "fox"}, "dataset_id": "farm"}

    job = served.client.post("/v1/jobs", json=body).json()

    assert job["inputs"] == {"model_id": model, "dataset_id": dataset}


def test_the_id_of_another_kind_is_no_name(served: Served):
    with served.zoo.transaction() as session:
        dataset = a_dataset(served.zoo, session).id
    body = {"method": "depara", "inputs": {"model_id": dataset, "dataset_id": dataset}}

    answer = served.client.post("/v1/jobs", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_model")
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/inputs/model_id"]


def test_the_audit_log_names_the_id_behind_a_name(served: Served):
    with served.zoo.transaction() as session:
        model_id = a_model(session, name="fox").id
    etag = served.client.get("/v1/models/fox").headers["ETag"]

    served.client.delete("/v1/models/fox", headers={"If-Match": etag})

    with served.zoo.transaction() as session:
        events = session.scalars(select(AuditRecord).where(AuditRecord.action == "models.delete"))
        assert [event.ids for event in events] == [[model_id]]
