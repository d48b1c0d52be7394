"""Measured accuracies are recorded once and unchanged: all of a request, or none of it."""

import pytest

from service.core.operations.accuracies import accuracies
from service.core.operations.accuracies.accuracies import NewAccuracy
from service.core.tables import AccuracyRecord
from tests.rest.served import Served, a_dataset, a_model

OAK = {"model": "oak", "dataset": "leaves", "value": 0.75, "protocol": "fine_tune"}


def send(served: Served, *records: dict):
    return served.client.post("/v1/accuracies", json={"accuracies": list(records)})


def pointers(answer) -> list[str]:
    return [item["pointer"] for item in answer.json()["errors"]]


def test_recorded_accuracies_are_listed(served: Served):
    answer = send(served, OAK, {**OAK, "dataset": "bark", "value": 81, "unit": "percent"})

    added = answer.json()
    assert (answer.status_code, added["new"]) == (201, 2)
    assert [item["value"] for item in added["items"]] == pytest.approx([0.75, 0.81])
    assert added["items"][0]["protocol"] == "fine_tune"
    listed = served.client.get("/v1/accuracies", params={"dataset": "bark"}).json()["items"]
    assert listed == [added["items"][1]]


def test_the_same_measurement_is_recorded_once(served: Served):
    first = send(served, OAK, OAK).json()

    again = send(served, {**OAK, "value": 75, "unit": "percent"})

    assert first["new"] == 1
    assert (again.status_code, again.json()["new"]) == (200, 0)
    assert again.json()["items"][0]["id"] == first["items"][0]["id"]


def test_a_different_value_of_a_recorded_measurement_is_refused_with_its_row(served: Served):
    send(served, OAK)

    answer = send(served, {**OAK, "seed": 1}, {**OAK, "value": 0.5})

    assert (answer.status_code, answer.json()["code"]) == (409, "accuracy_exists")
    assert pointers(answer) == ["/accuracies/1/value"]
    assert "seed or source" in answer.json()["remedy"]
    assert len(served.client.get("/v1/accuracies").json()["items"]) == 1


def test_one_measurement_with_two_values_in_a_request_is_refused(served: Served):
    answer = send(served, OAK, {**OAK, "value": 0.5})

    assert (answer.status_code, answer.json()["code"]) == (422, "accuracy_invalid")
    assert pointers(answer) == ["/accuracies/1/value"]


def test_ids_must_exist_and_other_names_are_free(served: Served):
    with served.zoo.transaction() as session:
        fox, dataset = a_model(session, name="fox").id, a_dataset(served.zoo, session).id

    good = send(served, {"model": fox, "dataset": dataset, "value": 1})
    bad = send(served, OAK, {"model": "mdl_0", "dataset": "dst_0", "value": 1})

    assert good.status_code == 201
    assert (bad.status_code, pointers(bad)) == (
        422,
        ["/accuracies/1/model", "/accuracies/1/dataset"],
    )


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"value": 75}, "/body/accuracies/1"),
        ({"value": 101, "unit": "percent"}, "/body/accuracies/1/value"),
        ({"value": -0.1}, "/body/accuracies/1/value"),
        ({"value": "much"}, "/body/accuracies/1/value"),
        ({"metric": "loss"}, "/body/accuracies/1/metric"),
        ({"protocol": "guess"}, "/body/accuracies/1/protocol"),
        ({"model": ""}, "/body/accuracies/1/model"),
        ({"sed": 1}, "/body/accuracies/1/sed"),
    ],
)
def test_an_invalid_row_is_named(served: Served, changed, pointer):
    answer = send(served, OAK, {**OAK, **changed})

    assert answer.status_code == 422
    assert pointer in pointers(answer)


def test_lists_are_paged_and_accuracies_can_be_deleted(served: Served):
    send(served, *[{**OAK, "seed": seed} for seed in range(5)])

    first = served.client.get("/v1/accuracies", params={"page_size": 3, "model": "oak"}).json()
    token = {"page_token": first["next_page_token"], "page_size": 3, "model": "oak"}
    rest = served.client.get("/v1/accuracies", params=token).json()

    assert {item["seed"] for item in first["items"] + rest["items"]} == set(range(5))
    path = f"/v1/accuracies/{rest['items'][0]['id']}"
    assert served.client.delete(path).status_code == 204
    assert served.client.delete(path).json()["code"] == "accuracy_not_found"
    assert served.with_scopes("read").delete(path).status_code == 403


def test_accuracies_of_another_project_are_not_found(served: Served):
    accuracy_id = send(served, OAK).json()["items"][0]["id"]
    stranger = served.with_scopes("admin", project="elsewhere")

    assert stranger.get("/v1/accuracies").json()["items"] == []
    assert stranger.delete(f"/v1/accuracies/{accuracy_id}").status_code == 404


def test_a_finished_job_writes_its_accuracy_back(served: Served):
    measured = [NewAccuracy(model="oak", dataset="leaves", value=0.5)]

    with served.zoo.transaction() as session:
        accuracies.add(session, project="default", measurements=measured, job_id="job_1")
        again = accuracies.add(session, project="default", measurements=measured, job_id="job_2")

    with served.zoo.transaction() as session:
        record = session.query(AccuracyRecord).one()
    assert (again.new, record.job_id, record.value) == (0, "job_1", 0.5)
