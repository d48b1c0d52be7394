"""A Python program asks for a training as it thinks of it: teachers, data, student, budget."""

import pytest

from service.container import Zoo
from tests.rest.served import a_dataset, a_model
from zooscope import ZooClient, ZooClientError


@pytest.fixture
def ids(zoo: Zoo) -> tuple[str, str]:
    """A teacher, and images it can be asked about."""
    manifest = {"name": "hen", "classes": ["cat", "dog"], "input": {"height": 8, "width": 8}}
    with zoo.transaction() as session:
        teacher = a_model(session, manifest=manifest, output_kind="vector")
        return teacher.id, a_dataset(zoo, session).id


def test_a_training_is_submitted_cancelled_watched_and_tried_again(
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
    trained_on = [event["type"] for event in client.jobs.watch(job["id"])]
    again = client.jobs.retry(job["id"])

    assert job["inputs"] == {"teachers": [teacher], "dataset_id": data, "eval_dataset_id": None}
    assert (job["params"]["student"]["width"], job["params"]["seed"]) == (8, 3)
    assert (job["params"]["temperature"], job["params"]["budget"]["steps"]) == (2, 5)
    assert (cancelled["state"], again["state"]) == ("cancelled", "queued")
    assert trained_on == ["queued", "cancelled"]


def test_a_field_that_does_not_fit_is_named_as_it_was_given(client: ZooClient):
    with pytest.raises(ZooClientError) as told:
        client.jobs.submit(
            "knowledge_distillation", teachers=["mdl_1"], dataset_id="dst_1", student={"width": 1}
        )

    assert told.value.code == "invalid_params"
    assert [one.pointer for one in told.value.errors] == ["/student/width"]
