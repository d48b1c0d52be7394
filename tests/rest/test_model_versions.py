"""Networks of one name are versions of it; aliases move between them; copies are recognized."""

import json

import pytest

from service.core.tables import ModelState
from tests.rest.served import MANIFEST, Served, a_model, archive


def push(served: Served, name: str = "fox") -> dict:
    form = {"manifest": (None, json.dumps({**MANIFEST, "name": name}), "application/json")}
    answer = served.client.post("/v1/models", files={**form, "file": ("fox.pt2", archive())})
    assert answer.status_code == 201
    return answer.json()


def resolve(served: Served, reference: str):
    return served.client.get(f"/v1/models/{reference}")


def set_alias(served: Served, model: dict, alias: str) -> dict:
    answer = served.client.put(f"/v1/models/{model['id']}/aliases/{alias}")
    assert answer.status_code == 200
    return answer.json()


def test_every_push_of_a_name_is_its_next_version(served: Served):
    versions = [push(served)["version"] for _ in range(3)]

    assert versions == [1, 2, 3]
    assert push(served, "hen")["version"] == 1


def test_the_version_of_a_deleted_model_is_not_given_again(served: Served):
    first = push(served)
    served.client.delete(f"/v1/models/{first['id']}", headers={"If-Match": first["etag"]})

    assert push(served)["version"] == 2


def test_a_model_is_named_by_version_and_by_alias(served: Served):
    first, second = push(served), push(served)
    set_alias(served, first, "prod")

    assert resolve(served, "fox:1").json()["id"] == first["id"]
    assert resolve(served, "fox:2").json()["id"] == second["id"]
    assert resolve(served, "fox@prod").json()["id"] == first["id"]
    assert resolve(served, second["id"]).json()["id"] == second["id"]


def test_a_name_alone_is_its_newest_ready_version(served: Served):
    with served.zoo.transaction() as session:
        for version, state in enumerate((ModelState.READY, ModelState.REJECTED), 1):
            a_model(session, name="owl", state=state, name_version=version)

    assert resolve(served, "owl").json()["version"] == 1
    assert resolve(served, "owl:2").json()["state"] == "rejected"


def test_an_alias_moves_to_another_version_and_both_etags_change(served: Served):
    first, second = push(served), push(served)
    before = set_alias(served, first, "prod")

    after = set_alias(served, second, "prod")

    moved = served.client.get(f"/v1/models/{first['id']}").json()
    assert (after["aliases"], moved["aliases"]) == (["prod"], [])
    assert moved["etag"] != before["etag"]
    assert after["etag"] != second["etag"]


def test_an_alias_is_removed_once(served: Served):
    model = push(served)
    set_alias(served, model, "prod")
    path = f"/v1/models/{model['id']}/aliases/prod"

    assert served.client.delete(path).status_code == 204
    again = served.client.delete(path)

    assert (again.status_code, again.json()["code"]) == (404, "alias_not_found")
    assert resolve(served, "fox@prod").status_code == 404


def test_the_answer_for_an_unknown_reference_lists_what_the_name_has(served: Served):
    set_alias(served, push(served), "prod")

    answer = resolve(served, "fox:9")

    assert (answer.status_code, answer.json()["code"]) == (404, "model_not_found")
    assert "fox:1" in answer.json()["remedy"]
    assert "fox@prod" in answer.json()["remedy"]


@pytest.mark.parametrize("alias", ["9lives", "a b", "x" * 65])
def test_an_alias_that_could_be_misread_is_refused(served: Served, alias: str):
    model = push(served)

    assert served.client.put(f"/v1/models/{model['id']}/aliases/{alias}").status_code == 422


def test_a_renamed_model_is_the_newest_version_of_its_new_name(served: Served):
    push(served, "hen")
    model = set_alias(served, push(served), "prod")

    renamed = served.client.patch(
        f"/v1/models/{model['id']}", json={"name": "hen"}, headers={"If-Match": model["etag"]}
    ).json()

    assert (renamed["name"], renamed["version"], renamed["aliases"]) == ("hen", 2, [])


def test_networks_with_the_same_weights_name_each_other_in_lists_and_facts(served: Served):
    with served.zoo.transaction() as session:
        first, second = (
            a_model(session, name=name, weights_sha256="a" * 64).id for name in ("fox", "hen")
        )
        alone = a_model(session, name="owl", weights_sha256="b" * 64).id
        unknown = [a_model(session, name="old").id for _ in range(2)]

    listed = {
        m["id"]: m["same_weights_as"] for m in served.client.get("/v1/models").json()["items"]
    }
    shown = served.client.get(f"/v1/models/{first}").json()

    assert listed == {first: [second], second: [first], alone: [], **{id_: [] for id_ in unknown}}
    assert shown["same_weights_as"] == [second]


def test_a_copy_changes_the_etag_of_the_other_when_it_goes(served: Served):
    with served.zoo.transaction() as session:
        first, second = (
            a_model(session, name=name, weights_sha256="a" * 64).id for name in ("fox", "hen")
        )
    before, copy = (served.client.get(f"/v1/models/{id_}").json() for id_ in (first, second))

    served.client.delete(f"/v1/models/{second}", headers={"If-Match": copy["etag"]})

    after = served.client.get(f"/v1/models/{first}").json()
    assert (after["same_weights_as"], after["etag"] == before["etag"]) == ([], False)


def test_what_the_network_returns_is_shown(served: Served):
    outputs = [{"name": "logits", "shape": [2]}, {"name": "aux", "shape": [2]}]
    with served.zoo.transaction() as session:
        model = a_model(session, outputs=outputs, output="logits", output_scale="probabilities")

    shown = served.client.get(f"/v1/models/{model.id}").json()

    assert (shown["outputs"], shown["output"]) == (outputs, "logits")
    assert shown["output_scale"] == "probabilities"
