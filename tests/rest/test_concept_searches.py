"""Concepts are searched, units found by name and by likeness, and invalid requests refused."""

import json

import numpy as np
import pytest
from sqlalchemy import delete

from service.core.operations.concepts import searches
from service.core.results.concepts import FoundUnits
from service.core.tables import ConceptSearchRecord, DatasetRecord, ImageRecord, JobRecord
from tests.rest.served import IMAGES, MANIFEST, Served, a_dataset, a_model, some_responses
from tests.rest.test_events import following

PATH = "/v1/concept-searches"
CLASSES = ["tabby cat", "beagle"]


@pytest.fixture
def zoo_ids(served: Served) -> dict[str, str]:
    """Probes, a concept, a classifier with stored responses, one without, and a segmenter."""
    manifest = {**MANIFEST, "classes": CLASSES}
    with served.zoo.transaction() as session:
        probes, cats = a_dataset(served.zoo, session), a_dataset(served.zoo, session, name="cats")
        fox = a_model(session, name="fox", output_kind="vector", manifest=manifest)
        hen = a_model(session, name="hen", output_kind="vector", manifest=manifest)
        road = a_model(session, name="road", output_kind="map", task_kind="segmentation")
        some_responses(served.zoo, session, fox, probes)
        names = {"probes": probes, "cats": cats, "fox": fox, "hen": hen, "road": road}
        return {name: row.id for name, row in names.items()}


def ask(served: Served, zoo_ids: dict[str, str], **changes: object):
    body = {"dataset_id": zoo_ids["cats"], "probe_set_id": zoo_ids["probes"], **changes}
    return served.client.post(PATH, json=body)


def round_of(model_id: str, auc: float | None, *unchecked: str) -> FoundUnits:
    interval = None if auc is None else [0.7, 0.95]
    unit = {"model_id": model_id, "unit": 1, "expected_auc": 0.8, "expected_interval": [0.6, 0.9]}
    unit |= {"auc": auc, "auc_interval": interval}
    values = {"units": [unit], "unchecked": list(unchecked), "searched_units": 2}
    return FoundUnits.model_validate_json(json.dumps({**values, "positives": 5, "seconds": 0.1}))


def advance(served: Served, search_id: str, *args: object) -> None:
    """As the end of a round would."""
    with served.zoo.transaction() as session:
        search = session.get_one(ConceptSearchRecord, search_id)
        searches.advance(session, search, round_of(*args))  # type: ignore[arg-type]


def test_a_search_runs_references_then_the_best_networks_then_is_ready(
    served: Served, zoo_ids: dict[str, str]
) -> None:
    asked = ask(served, zoo_ids)
    first = asked.json()
    with served.zoo.transaction() as session:
        methods = [job.method for job in session.query(JobRecord).order_by(JobRecord.id)]
    advance(served, first["id"], zoo_ids["fox"], None, zoo_ids["fox"])
    second = served.client.get(f"{PATH}/{first['id']}").json()
    advance(served, first["id"], zoo_ids["fox"], 0.9)
    last = served.client.get(f"{PATH}/{first['id']}").json()

    assert asked.status_code == 202
    assert asked.headers["Location"] == f"{PATH}/{first['id']}"
    assert methods == ["unit_responses", "concept_search"]
    assert (first["state"], first["reference_ids"]) == ("pending", [zoo_ids["fox"]])
    codes = {entry["model_id"]: entry["code"] for entry in first["unsearched"]}
    assert codes[zoo_ids["hen"]] == "responses_not_measured"
    assert codes[zoo_ids["road"]] == "no_output_units"
    assert (second["state"], second["checked_ids"]) == ("pending", [zoo_ids["fox"]])
    assert second["job_id"] != first["job_id"]
    assert (last["state"], last["units"][0]["class_name"]) == ("ready", "beagle")
    assert last["advice"].startswith("Use unit 1 (beagle) of fox: AUC 0.90")
    assert last["cost"] == {"networks_run": 1, "networks_searched": 1, "operations_share": 1.0}
    assert [warning["code"] for warning in last["warnings"]] == ["few_images"]
    assert ask(served, zoo_ids).json()["id"] == first["id"]
    assert [item["id"] for item in served.client.get(PATH).json()["items"]] == [first["id"]]


def test_what_cannot_be_searched_is_refused_with_a_remedy(
    served: Served, zoo_ids: dict[str, str]
) -> None:
    def refused(**changes: object) -> tuple[int, str]:
        answer = ask(served, zoo_ids, **changes)
        assert answer.json()["remedy"]
        return answer.status_code, answer.json()["code"]

    def candidates(*names: str) -> dict[str, list[str]]:
        return {"model_ids": [zoo_ids[name] for name in names]}

    assert refused(candidates=candidates("road")) == (422, "no_output_units")
    assert refused(candidates=candidates("hen")) == (409, "no_unit_responses")
    assert refused(dataset_id=zoo_ids["probes"]) == (422, "no_contrast")
    assert refused(negatives_id=zoo_ids["cats"]) == (422, "no_contrast")
    unmeasured = ask(served, zoo_ids, candidates=candidates("hen")).json()
    assert "POST /v1/jobs" in unmeasured["remedy"]


def test_five_different_images_are_the_fewest(served: Served, zoo_ids: dict[str, str]) -> None:
    with served.zoo.transaction() as session:
        few = a_dataset(served.zoo, session, images=4)
        images = delete(ImageRecord).where(ImageRecord.dataset_id == few.id)
        session.execute(images.where(ImageRecord.position >= 4))

    answer = ask(served, zoo_ids, dataset_id=few.id).json()

    assert answer["code"] == "too_few_images"
    assert answer["errors"][0]["pointer"] == "/dataset_id"


def test_units_are_found_by_the_words_of_their_class(
    served: Served, zoo_ids: dict[str, str]
) -> None:
    first = served.client.get("/v1/units", params={"q": "CAT tab", "page_size": 1}).json()
    rest = served.client.get(
        "/v1/units", params={"q": "CAT tab", "page_token": first["next_page_token"]}
    ).json()
    nothing = served.client.get("/v1/units", params={"q": "truck"}).json()

    items = [*first["items"], *rest["items"]]
    assert sorted(item["model_id"] for item in items) == sorted([zoo_ids["fox"], zoo_ids["hen"]])
    assert {(item["unit"], item["class_name"]) for item in items} == {(0, "tabby cat")}
    assert (rest["next_page_token"], nothing["items"]) == (None, [])


def test_the_most_similar_unit_responds_alike_whatever_its_scale(
    served: Served, zoo_ids: dict[str, str]
) -> None:
    numbers = np.random.default_rng(1).normal(size=(IMAGES, 2))
    with served.zoo.transaction() as session:
        owl = a_model(session, name="owl", output_kind="vector")
        own = np.random.default_rng(0).normal(size=(IMAGES, 2))
        twin = np.stack([numbers[:, 0], 3 * own[:, 1] - 5], axis=1)
        probes = session.get_one(DatasetRecord, zoo_ids["probes"])
        some_responses(served.zoo, session, owl, probes, twin)

    path = f"/v1/models/{zoo_ids['fox']}/similar-units"
    query = {"unit": 1, "dataset": zoo_ids["probes"]}
    near = served.client.get(path, params=query).json()
    beyond = served.client.get(path, params={**query, "unit": 2})
    unmeasured = served.client.get(path.replace(zoo_ids["fox"], zoo_ids["hen"]), params=query)

    first = near["items"][0]
    assert (first["name"], first["unit"], first["class_name"]) == ("owl", 1, None)
    assert first["correlation"] == pytest.approx(1, abs=1e-6)
    assert (near["searched_models"], near["left_out"], len(near["items"])) == (2, 0, 3)
    assert (beyond.status_code, beyond.json()["code"]) == (404, "unit_not_found")
    assert (unmeasured.status_code, unmeasured.json()["code"]) == (404, "not_measured")


def test_a_search_is_among_the_events_of_its_project(served: Served, zoo_ids: dict[str, str]):
    with following(served.client) as messages:
        next(messages)
        search_id = ask(served, zoo_ids).json()["id"]
        created = next(event for event in messages if event["subject_id"] == search_id)

    assert (created["kind"], created["change"]) == ("concept-searches", "created")
    assert created["state"] == "pending"
