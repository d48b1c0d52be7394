"""A stylizer whose loss network cannot measure styles, or a style that is not there, is refused."""

from typing import Any

import pytest

from tests.rest.served import Served, a_dataset, a_model
from tests.rest.trainings import a_teacher, refusal

LAYERS = [
    {"name": "conv1", "kind": "Conv2d", "shape": [4, 8, 8]},
    {"name": "conv2", "kind": "Conv2d", "shape": [4, 4, 4]},
    {"name": "flat", "kind": "Flatten", "shape": [64]},
]


def ask(served: Served, *, params: dict[str, Any], **network: Any) -> Any:
    """The response to a training with this loss network."""
    teacher = a_teacher(served, **{"layers": LAYERS, **network})
    with served.zoo.transaction() as session:
        contents, styles = (a_dataset(served.zoo, session).id for _ in range(2))
    body = {
        "method": "dynamic_instance_normalization",
        "teachers": [teacher],
        "dataset_id": contents,
        "inputs": {"style_dataset_id": styles},
        "params": params,
    }
    return served.client.post("/v1/jobs", json=body)


@pytest.mark.parametrize(
    ("params", "network"),
    [
        ({}, {}),
        ({"layers": ["conv1", "conv2"], "content_layer": "conv1"}, {}),
        ({}, {"task_kind": "autoencoding", "classes": None, "output_kind": "map"}),
    ],
)
def test_two_sizes_of_maps_are_enough(
    shared: Served, params: dict[str, Any], network: dict[str, Any]
):
    answer = ask(shared, params=params, **network)

    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize(
    ("params", "network", "code", "pointer"),
    [
        ({}, {"channels": 1}, "unfit_loss_network", "/teachers/0"),
        ({}, {"layers": LAYERS[1:]}, "unfit_loss_network", "/teachers/0"),
        ({}, {"fixed_batch": 4}, "fixed_batch_size", "/teachers/0"),
        ({"layers": ["conv1", "nose"]}, {}, "layer_not_found", "/params/layers/1"),
        ({"layers": ["conv1", "flat"]}, {}, "layer_not_spatial", "/params/layers/1"),
        ({"content_layer": "flat"}, {}, "layer_not_found", "/params/content_layer"),
    ],
)
def test_what_cannot_measure_styles_is_refused(
    shared: Served, params: dict[str, Any], network: dict[str, Any], code: str, pointer: str
):
    assert refusal(ask(shared, params=params, **network)) == (422, code, [pointer])


def test_a_baked_style_needs_a_stylizer_and_a_picture(shared: Served):
    with shared.zoo.transaction() as session:
        dataset = a_dataset(shared.zoo, session)
        size = {"height": 8, "width": 8, "channels": 3}
        manifest = {"name": "s", "input": size, "stylizer": {"network": "din", "width": 4}}
        stylizer = a_model(session, manifest=manifest, output_kind="map").id
        ids, count = dataset.id, dataset.images
    classifier = a_teacher(shared)

    def ask_to_bake(source: str, image: int) -> Any:
        inputs = {"source_model_id": source, "dataset_id": ids}
        body = {"method": "style_baking", "inputs": inputs, "params": {"image": image}}
        return shared.client.post("/v1/jobs", json=body)

    assert ask_to_bake(stylizer, 0).status_code == 202
    assert refusal(ask_to_bake(classifier, 0)) == (
        422, "not_a_stylizer", ["/inputs/source_model_id"],
    )  # fmt: skip
    assert refusal(ask_to_bake(stylizer, count or 0)) == (
        422, "image_not_found", ["/params/image"],
    )  # fmt: skip


def test_a_stylizer_teaches_no_labels(shared: Served):
    stylizer = a_teacher(shared, classes=None, task_kind="stylization", output_kind="map")
    with shared.zoo.transaction() as session:
        dataset = a_dataset(shared.zoo, session).id
    body = {"method": "knowledge_distillation", "teachers": [stylizer], "dataset_id": dataset}

    answer = shared.client.post("/v1/jobs", json=body)

    assert refusal(answer) == (422, "unsupported_teacher_task", ["/teachers/0"])
