"""A list names each thing once, by id or by name; every API refuses the second time alike."""

from typing import Any

import pytest

from tests.apis.both_apis import Apis
from tests.rest.served import a_dataset, a_model

LAYERS = [{"name": "conv", "kind": "Conv2d", "shape": [4, 8, 8]}]
TEACHER = {
    "manifest": {
        "name": "hen",
        "classes": ["cat", "dog"],
        "input": {"height": 8, "width": 8, "channels": 3},
    },
    "output_kind": "vector",
    "output_shape": [2],
    "layers": LAYERS,
    "batch_norms": 2,
}


class Ids:
    """A model with a name of its own, and a dataset."""

    def __init__(self, apis: Apis) -> None:
        with apis.zoo.transaction() as session:
            model = a_model(session, name="only hen", **TEACHER)
            self.model, self.name = model.id, "only hen"
            self.dataset = a_dataset(apis.zoo, session).id

    def twice(self, how: str) -> list[str]:
        """The model twice."""
        first, second = {
            "ids": (self.model, self.model),
            "names": (self.name, self.name),
            "name and id": (self.name, self.model),
        }[how]
        return [first, second]


@pytest.fixture
def ids(apis: Apis) -> Ids:
    return Ids(apis)


def refusal(answer: dict[str, Any]) -> tuple[str, list[str]]:
    assert answer["remedy"]
    return answer["refused"], answer["pointers"]


@pytest.mark.parametrize("how", ["ids", "names", "name and id"])
@pytest.mark.parametrize(
    "method",
    ["knowledge_distillation", "common_feature_amalgamation", "dual_gan_amalgamation"],
)
def test_a_teacher_listed_twice_is_refused(apis: Apis, ids: Ids, method: str, how: str):
    images = {} if method == "dual_gan_amalgamation" else {"dataset_id": ids.dataset}
    body = {"method": method, "teachers": ids.twice(how), **images}

    answer = apis.agree(lambda api: api.submit(body))

    assert refusal(answer) == ("repeated_reference", ["/teachers/1"])


@pytest.mark.parametrize("how", ["ids", "names", "name and id"])
def test_a_candidate_listed_twice_is_refused(apis: Apis, ids: Ids, how: str):
    body = {
        "target": {"dataset_id": ids.dataset},
        "candidates": {"model_ids": ids.twice(how)},
        "metric": "logme",
    }

    answer = apis.agree(lambda api: api.rank(body))

    assert refusal(answer) == ("repeated_reference", ["/candidates/model_ids/1"])


@pytest.mark.parametrize("how", ["ids", "names", "name and id"])
def test_a_model_listed_twice_for_heat_maps_is_refused(apis: Apis, ids: Ids, how: str):
    body = {"model_ids": ids.twice(how), "dataset_id": ids.dataset, "indices": [0]}
    job = {"method": "attribution_map", "inputs": body}

    asked = apis.agree(lambda api: api.create_attributions(body))
    submitted = apis.agree(lambda api: api.submit(job))

    assert refusal(asked) == ("repeated_reference", ["/model_ids/1"])
    assert refusal(submitted) == ("repeated_reference", ["/inputs/model_ids/1"])


@pytest.mark.parametrize("how", ["ids", "name and id"])
def test_a_model_listed_twice_for_a_map_is_refused(apis: Apis, ids: Ids, how: str):
    inputs = {"model_ids": ids.twice(how), "dataset_id": ids.dataset}

    answer = apis.agree(
        lambda api: api.submit({"method": "transferability_map", "inputs": inputs})
    )

    assert refusal(answer) == ("repeated_reference", ["/inputs/model_ids/1"])


def test_a_label_listed_twice_is_refused(apis: Apis, ids: Ids):
    body = {
        "method": "knowledge_distillation",
        "teachers": [ids.model],
        "dataset_id": ids.dataset,
        "student": {"labels": ["cat", "cat"]},
    }

    answer = apis.agree(lambda api: api.submit(body))

    assert refusal(answer) == ("invalid_params", ["/student/labels"])
    assert "'cat' is listed more than once" in answer["detail"]


def test_one_model_in_two_roles_is_no_repeat(apis: Apis, ids: Ids):
    body = {
        "method": "knowledge_distillation",
        "teachers": [ids.model],
        "dataset_id": ids.dataset,
        "eval_dataset_id": ids.dataset,
    }

    answer = apis.both[0].submit(body)

    assert "refused" not in answer
