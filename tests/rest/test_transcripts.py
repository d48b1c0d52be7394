"""Transcripts for clips that were uploaded without them, and what needs transcripts."""

from typing import Any

import pytest

from service.core.tables import DatasetRecord
from tests.rest.served import Served, a_dataset, a_set_of_clips, finished_upload

TABLE = b"path,transcript\na.mp4,hello\nb.mkv,there\n"


@pytest.fixture
def untold(served: Served) -> DatasetRecord:
    """A dataset of clips without transcripts."""
    from sqlalchemy import update

    from service.core.tables import ClipRecord

    with served.zoo.transaction() as session:
        dataset = a_set_of_clips(served.zoo, session)
        session.execute(update(ClipRecord).values(transcript="", pinyin=None))
    return dataset


def test_a_dataset_is_made_of_the_clips_of_another_by_id_or_name(
    served: Served, untold: DatasetRecord
):
    for number, kind in enumerate([{"kind": "clips"}, {}]):
        body = {"name": f"told-{number}", "clips_of": [untold.id, "talk"][number], **kind}
        upload = finished_upload(served, TABLE)

        answer = served.client.post("/v1/datasets", json={**body, "upload_id": upload})

        assert (answer.status_code, answer.json()["state"]) == (201, "uploaded"), answer.text
        with served.zoo.transaction() as session:
            manifest = session.get_one(DatasetRecord, answer.json()["id"]).manifest
        assert (manifest["clips_of"], manifest["kind"]) == (untold.id, "clips")


def refusals(untold: str, images: str, unready: str) -> dict[str, tuple[dict[str, Any], int, str]]:
    """Bodies that are refused, with status and code."""
    return {
        "unknown": ({"clips_of": "nobody"}, 422, "unknown_dataset"),
        "images": ({"clips_of": images}, 422, "dataset_has_images"),
        "not ready": ({"clips_of": unready}, 409, "dataset_not_ready"),
        "a crop": ({"clips_of": untold, "crop": "full"}, 422, "invalid_request"),
        "another kind": ({"clips_of": untold, "kind": "images"}, 422, "invalid_request"),
    }


@pytest.mark.parametrize("case", refusals("", "", ""))
def test_what_does_not_fit_is_refused_with_its_place(
    served: Served, untold: DatasetRecord, case: str
):
    with served.zoo.transaction() as session:
        images = a_dataset(served.zoo, session).id
        unready = a_set_of_clips(served.zoo, session, state="checking").id
    changes, status, code = refusals(untold.id, images, unready)[case]
    body = {"name": "told", "kind": "clips", "upload_id": finished_upload(served, TABLE)}

    answer = served.client.post("/v1/datasets", json={**body, **changes})

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    if code != "invalid_request":
        assert answer.json()["errors"][0]["pointer"] == "/clips_of"
        assert answer.json()["remedy"]


@pytest.mark.parametrize("method", ["speech_recognizer", "lip_by_speech", "cascade_seq2seq"])
@pytest.mark.parametrize("role", ["dataset_id", "eval_dataset_id"])
def test_a_training_without_transcripts_names_the_way_to_add_them(
    served: Served, untold: DatasetRecord, method: str, role: str
):
    with served.zoo.transaction() as session:
        spoken = a_set_of_clips(served.zoo, session, state="ready")
        inputs = {"dataset_id": spoken.id, role: untold.id}

    answer = served.client.post("/v1/jobs", json={"method": method, "inputs": inputs}).json()

    assert answer["code"] == "no_transcripts", answer
    assert answer["errors"][0]["pointer"] == f"/inputs/{role}"
    assert "clips_of" in answer["remedy"]
    assert "zooscope datasets transcribe" in answer["remedy"]
