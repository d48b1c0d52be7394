"""Teachers, training requests and their errors."""

from typing import Any

from tests.rest.served import Served, a_dataset, a_model

LAYERS = [
    {"name": "conv", "kind": "Conv2d", "shape": [4, 8, 8]},
    {"name": "flat", "kind": "Flatten", "shape": [256]},
]
FLAT = LAYERS[1:]
COMMON, ADAPTIVE = "common_feature_amalgamation", "adaptive_amalgamation"
DUAL_GAN, ADVERSARY = "dual_gan_amalgamation", "adversarial_distillation"
DISTIL, TUNE = "knowledge_distillation", "fine_tune"
TRANSFERS = (TUNE, "linear_probe")
WITHOUT_DATA = (DUAL_GAN, ADVERSARY)
OF_PIXELS = {"task_kind": "segmentation", "output_kind": "map", "output_shape": [2, 8, 8]}


def a_teacher(served: Served, **changes: Any) -> str:
    """The id of a new classifier of cats and dogs; arguments override its fields."""
    classes = changes.pop("classes", ["cat", "dog"])
    size = {"height": 8, "width": 8, "channels": changes.pop("channels", 3)}
    usual: dict[str, Any] = {
        "manifest": {"name": "hen", "classes": classes, "input": size},
        "output_kind": "vector",
        "output_shape": [len(classes or ())],
        "layers": LAYERS,
        "batch_norms": 2,
    }
    with served.zoo.transaction() as session:
        return a_model(session, **{**usual, **changes}).id


def ask(served: Served, method: str, *teachers: str, **fields: Any) -> Any:
    """The response to a training request with these teachers."""
    if method not in WITHOUT_DATA:
        with served.zoo.transaction() as session:
            fields["dataset_id"] = a_dataset(served.zoo, session).id
    sources: dict[str, Any] = (
        {"source_model_id": teachers[0]} if method in TRANSFERS else {"teachers": teachers}
    )
    body = {"method": method, **sources, **fields}
    return served.client.post("/v1/jobs", json=body)


def refusal(answer: Any) -> tuple[int, str, list[str]]:
    """Status, code and pointers of an error that has a remedy."""
    response = answer.json()
    assert response["remedy"]
    return answer.status_code, response["code"], [item["pointer"] for item in response["errors"]]
