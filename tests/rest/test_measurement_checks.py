"""A measurement that its request alone proves impossible is refused at once, not by its job."""

from typing import Any

import pytest

from tests.rest.served import IMAGES, Served, a_dataset, a_model
from tests.rest.trainings import refusal

LEARNER = {"few_shot": {"units": 4, "prior": 1.0}}


def ask(
    served: Served,
    method: str,
    inputs: dict[str, Any],
    params: dict[str, Any],
    *,
    model: dict[str, Any],
    dataset: dict[str, Any],
) -> Any:
    """The response to a job on a new model and a new dataset."""
    with served.zoo.transaction() as session:
        model_id = a_model(session, **{"output_kind": "vector", **model}).id
        dataset_id = a_dataset(served.zoo, session, **dataset).id
    if method in ("attribution_map", "transferability_map"):
        named: dict[str, Any] = {"model_ids": [model_id]}
    else:
        named = {"model_id": model_id}
    body = {"method": method, "inputs": {**named, "dataset_id": dataset_id, **inputs}}
    return served.client.post("/v1/jobs", json={**body, "params": params})


EACH = ("depara", "transferability_estimators", "unit_responses", "attribution_map")
DATASET, LAYER = "/inputs/dataset_id", "/params/layer"
PICTURES = {"indices": [0]}


def inputs_of(method: str) -> dict[str, Any]:
    return PICTURES if method == "attribution_map" else {}


@pytest.mark.parametrize("method", EACH)
def test_a_fitting_measurement_is_queued(shared: Served, method: str):
    answer = ask(shared, method, inputs_of(method), {}, model={}, dataset={})

    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("method", EACH)
def test_rows_that_are_not_ready_are_refused(shared: Served, method: str):
    inputs = inputs_of(method)

    checking = ask(shared, method, inputs, {}, model={"state": "checking"}, dataset={})
    unread = ask(shared, method, inputs, {}, model={}, dataset={"state": "checking"})
    large = ask(shared, method, inputs, {}, model={}, dataset={"canonical_sha256": None})

    model = "/inputs/model_ids/0" if method == "attribution_map" else "/inputs/model_id"
    assert refusal(checking) == (409, "model_not_ready", [model])
    assert refusal(unread) == (409, "dataset_not_ready", [DATASET])
    assert refusal(large) == (409, "dataset_too_large", [DATASET])


@pytest.mark.parametrize("method", [name for name in EACH if name != "unit_responses"])
def test_an_unknown_layer_is_refused(shared: Served, method: str):
    answer = ask(shared, method, inputs_of(method), {"layer": "nose"}, model={}, dataset={})

    assert refusal(answer) == (422, "unknown_layer", [LAYER])


def test_images_that_the_dataset_lacks_are_refused(shared: Served):
    for index in (IMAGES, -1):
        answer = ask(shared, "attribution_map", {"indices": [0, index]}, {}, model={}, dataset={})

        assert refusal(answer) == (422, "unknown_image", ["/inputs/indices"])


@pytest.mark.parametrize(
    ("dataset", "code"),
    [
        ({"labels": None}, "target_unlabeled"),
        ({"label_kind": "multiple"}, "target_multi_label"),
        ({"label_kind": "mask"}, "target_has_masks"),
    ],
)
def test_estimators_need_one_label_per_image(shared: Served, dataset: dict[str, Any], code: str):
    answer = ask(shared, "transferability_estimators", {}, {}, model={}, dataset=dataset)

    assert refusal(answer) == (422, code, [DATASET])


def test_responses_need_one_output_per_class(shared: Served):
    answer = ask(shared, "unit_responses", {}, {}, model={"output_kind": "map"}, dataset={})

    assert refusal(answer) == (422, "no_output_units", ["/inputs/model_id"])


@pytest.mark.parametrize(
    ("params", "code", "pointer"),
    [
        ({"k": 1}, "k_out_of_range", "/params/k"),
        ({"clusters": 2}, "clusters_out_of_range", "/params/clusters"),
    ],
)
def test_a_map_of_named_networks_needs_enough_of_them(
    shared: Served, params: dict[str, Any], code: str, pointer: str
):
    answer = ask(shared, "transferability_map", {}, params, model={}, dataset={})

    assert refusal(answer) == (422, code, [pointer])


@pytest.mark.parametrize(
    ("dataset", "status", "code"),
    [
        ({"label_kind": "multiple"}, 422, "several_labels"),
        ({"canonical_sha256": None}, 409, "dataset_too_large"),
    ],
)
def test_an_adaptation_needs_one_label_per_image_and_frames(
    shared: Served, dataset: dict[str, Any], status: int, code: str
):
    with shared.zoo.transaction() as session:
        source = a_model(session)
        source.manifest = {**source.manifest, **LEARNER}
        inputs = {
            "source_model_id": source.id,
            "dataset_id": a_dataset(shared.zoo, session, **dataset).id,
        }
    body = {"method": "few_shot_adaptation", "inputs": inputs}

    answer = shared.client.post("/v1/jobs", json=body)

    assert refusal(answer) == (status, code, [DATASET])
