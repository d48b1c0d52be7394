"""A few-shot training with too few base classes, or novel ones among them, is refused at once."""

from typing import Any

import pytest

from tests.rest.served import Served, a_dataset
from tests.rest.trainings import a_teacher, refusal

LABELS = [*"abcdefg"]
FEW = {"shots": 1, "queries": 3}


def ask(
    served: Served, labels: list[str], *, novel: list[str] | None = None, **fields: Any
) -> Any:
    """The response to a training on a dataset with these labels."""
    eval_labels = fields.pop("eval_labels", None)
    source = a_teacher(served, **fields.pop("source", {}))
    kind = {"label_kind": fields.pop("label_kind", "single")}
    with served.zoo.transaction() as session:
        inputs = {"dataset_id": a_dataset(served.zoo, session, labels=labels, **kind).id}
        if eval_labels is not None:
            other = a_dataset(served.zoo, session, labels=eval_labels)
            inputs["eval_dataset_id"] = other.id
    params = {"novel_classes": novel, **FEW, **fields}
    body = {"method": "class_regularization", "source_model_id": source, "params": params}
    return served.client.post("/v1/jobs", json={**body, **inputs})


@pytest.mark.parametrize(
    ("labels", "fields"),
    [
        (LABELS, {}),
        (LABELS, {"novel": ["a", "b"]}),
        (LABELS[:5], {"eval_labels": ["x", "y"]}),
    ],
)
def test_five_base_classes_are_enough(shared: Served, labels: list[str], fields: dict[str, Any]):
    assert ask(shared, labels, **fields).status_code == 202


@pytest.mark.parametrize(
    ("labels", "fields", "code", "pointer"),
    [
        (LABELS[:6], {}, "too_few_base_classes", "/dataset_id"),
        (LABELS, {"novel": ["a", "b", "c"]}, "too_few_base_classes", "/dataset_id"),
        (LABELS, {"novel": ["x"]}, "unknown_labels", "/params/novel_classes"),
        (
            LABELS,
            {"eval_labels": ["a", "z"]},
            "novel_classes_overlap",
            "/eval_dataset_id",
        ),
        (LABELS, {"layer": "nose"}, "layer_not_found", "/params/layer"),
        (LABELS, {"queries": 4}, "too_few_base_classes", "/dataset_id"),
        (LABELS, {"shots": 2, "novel": ["f", "g"]}, "too_few_base_classes", "/dataset_id"),
        (LABELS, {"source": {"fixed_batch": 4}}, "fixed_batch_size", "/source_model_id"),
        (LABELS, {"label_kind": "multiple"}, "several_labels", "/dataset_id"),
    ],
)
def test_what_cannot_be_learned_is_refused(
    shared: Served, labels: list[str], fields: dict[str, Any], code: str, pointer: str
):
    answer = ask(shared, labels, **fields)

    assert refusal(answer) == (422, code, [pointer])


def test_the_refusal_names_the_small_classes(shared: Served):
    answer = ask(shared, LABELS, queries=4).json()

    assert "2 of 7 classes have the 5 images of an episode" in answer["detail"]
    assert "c (4), d (4), e (4), f (4), g (4)" in answer["detail"]
    assert "shots" in answer["remedy"]
    assert "queries" in answer["remedy"]
