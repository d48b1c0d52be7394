"""A Python program submits a training with teachers, data, student and budget."""

import pytest

from service.container import Zoo
from tests.rest.served import a_dataset, a_model
from zooscope import ZooClient, ZooClientError


@pytest.fixture
def ids(zoo: Zoo) -> tuple[str, str]:
    """A teacher and a dataset that suits it."""
    manifest = {"name": "hen", "classes": ["cat", "dog"], "input": {"height": 8, "width": 8}}
    with zoo.transaction() as session:
        teacher = a_model(session, manifest=manifest, output_kind="vector")
        return teacher.id, a_dataset(zoo, session).id


def test_a_training_is_submitted_cancelled_watched_and_retried(
    client: ZooClient, ids: tuple[str, str]
):
    teacher, data = ids

    job = client.jobs.submit(
        "knowledge_distillation",
        teachers=[teacher],
        dataset_id=data,
        student={"width": 8},
        params={"temperature": 2},
        seed=3,
        device="cpu",
        budget={"steps": 5},
    )
    cancelled = client.jobs.cancel(job["id"])
    events = [event["type"] for event in client.jobs.watch(job["id"])]
    again = client.jobs.retry(job["id"])

    assert job["inputs"] == {"teachers": [teacher], "dataset_id": data, "eval_dataset_id": None}
    assert (job["params"]["student"]["width"], job["params"]["seed"]) == (8, 3)
    assert (job["params"]["temperature"], job["params"]["budget"]["steps"]) == (2, 5)
    assert (cancelled["state"], again["state"]) == ("cancelled", "queued")
    assert events == ["queued", "cancelled"]


def test_an_invalid_field_is_named_by_its_argument(client: ZooClient):
    with pytest.raises(ZooClientError) as raised:
        client.jobs.submit(
            "knowledge_distillation", teachers=["mdl_1"], dataset_id="dst_1", student={"width": 1}
        )

    assert raised.value.code == "invalid_params"
    assert [item.pointer for item in raised.value.errors] == ["/student/width"]
