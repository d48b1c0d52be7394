"""Whatever needs a network of images refuses a reader of clips by what fits."""

import pytest

from tests.rest.clip_readers import a_reader
from tests.rest.served import Served, a_dataset, a_model
from tests.rest.test_clips import sent

Ids = tuple[str, str]
WITHOUT_MODEL = {"/v1/rankings target", "/v1/maps", "/v1/concept-searches"}
READ = ("family", "neighbors?dataset={dataset}", "similar-units?unit=0&dataset={dataset}")


@pytest.fixture
def ids(shared: Served) -> Ids:
    """A dataset of images and a reader."""
    with shared.zoo.transaction() as session:
        return a_dataset(shared.zoo, session).id, a_reader(session).id


@pytest.mark.parametrize("case", sorted(set(sent("", "")) - WITHOUT_MODEL))
def test_using_a_reader_as_a_network_of_images_is_refused(shared: Served, ids: Ids, case: str):
    answer = shared.client.post(case.split(maxsplit=1)[0], json=sent(*ids)[case])

    assert (answer.status_code, answer.json()["code"]) == (422, "model_reads_clips"), answer.text
    assert answer.json()["remedy"]


@pytest.mark.parametrize("path", READ)
def test_reading_what_only_networks_of_images_have_is_refused(shared: Served, ids: Ids, path: str):
    answer = shared.client.get(f"/v1/models/{ids[1]}/{path.format(dataset=ids[0])}")

    assert (answer.status_code, answer.json()["code"]) == (422, "model_reads_clips"), answer.text


def test_a_ranking_says_why_it_leaves_a_reader_out(shared: Served, ids: Ids):
    with shared.zoo.transaction() as session:
        network = a_model(session).id
    body = {
        "target": {"dataset_id": ids[0]},
        "metric": "logme",
        "candidates": {"model_ids": [network, ids[1]]},
    }

    answer = shared.client.post("/v1/rankings", json=body)

    assert answer.status_code in (200, 202), answer.text
    unranked = {entry["model_id"]: entry["code"] for entry in answer.json()["unranked"]}
    assert unranked[ids[1]] == "model_reads_clips"
