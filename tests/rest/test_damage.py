"""A flipped bit is never served: what needs the file is damaged until the same file is uploaded."""

import hashlib
import json
from pathlib import Path

import httpx
import pytest

from service.core.tables import ArtifactRecord, GraphRecord, JobRecord, ModelRecord
from service.rpc.stubs.zoo.v1.dataset_pb2 import DATASET_STATE_DAMAGED
from service.rpc.stubs.zoo.v1.dataset_service_pb2 import GetDatasetRequest
from service.scheduler import garbage_collection
from tests.disks import flip_bit
from tests.rest.served import (
    MANIFEST,
    PICTURES,
    PROJECT,
    Served,
    a_dataset,
    a_graph,
    a_model,
    archive,
    safetensors,
    stored,
)
from tests.rpc.channels import Dialled, listening

ARCHIVE = archive("images/0.png", b"one")
DATA = safetensors() + bytes(50_000)
LARGE = safetensors() + bytes(3 * 1024 * 1024)


def store_of(served: Served) -> Path:
    return served.zoo.settings.folder / "blobs"


def a_stored_model(served: Served, data: bytes = DATA) -> tuple[str, str]:
    """Id and digest of a ready model."""
    digest = stored(served.zoo, data)
    manifest = {**MANIFEST, "format": "safetensors"}
    with served.zoo.transaction() as session:
        model = a_model(
            session, upload_sha256=digest, program_sha256=digest, upload_bytes=len(data),
            manifest=manifest,
        )  # fmt: skip
    return f"/v1/models/{model.id}", digest


def rotten_model(served: Served) -> tuple[str, str]:
    """A model whose damage was just noticed."""
    path, digest = a_stored_model(served)
    flip_bit(store_of(served), digest, at=40_000)
    served.client.get(f"{path}/content")
    return path, digest


def test_a_damaged_file_is_refused_and_its_model_says_so(served: Served):
    path, digest = a_stored_model(served)
    assert served.client.get(f"{path}/content").content == DATA
    flip_bit(store_of(served), digest, at=40_000)

    answer = served.client.get(f"{path}/content")

    assert (answer.status_code, answer.json()["code"]) == (409, "blob_damaged")
    assert "upload the same file again" in answer.json()["remedy"]
    model = served.client.get(path).json()
    assert model["state"] == "damaged"
    assert [problem["code"] for problem in model["problems"]] == ["blob_damaged"]
    assert served.client.get("/v1/models?state=damaged").json()["items"][0]["id"] == model["id"]
    assert "zooscope_damaged_files 1.0" in served.client.get("/metrics").text


def test_a_large_file_read_lately_is_still_hashed_while_it_is_sent(served: Served):
    path, digest = a_stored_model(served, LARGE)
    assert served.client.get(f"{path}/content").content == LARGE
    flip_bit(store_of(served), digest, at=40_000)

    with pytest.raises(httpx.RemoteProtocolError):
        served.client.get(f"{path}/content")

    assert served.client.get(path).json()["state"] == "damaged"
    assert served.client.get(f"{path}/content").json()["code"] == "blob_damaged"


def test_a_resumable_upload_of_the_same_file_repairs_the_model(served: Served):
    path, _digest = rotten_model(served)
    upload = served.client.post("/v1/uploads", json={"size": len(DATA)}).json()

    served.client.patch(
        f"/v1/uploads/{upload['id']}", content=DATA, headers={"Upload-Offset": "0"}
    )

    model = served.client.get(path).json()
    assert (model["state"], model["problems"]) == ("ready", [])
    assert served.client.get(f"{path}/content").content == DATA
    assert "zooscope_damaged_files 0.0" in served.client.get("/metrics").text


def test_a_form_with_the_same_file_repairs_the_model(served: Served):
    path, _ = rotten_model(served)
    manifest = {**MANIFEST, "format": "safetensors", "architecture": {"name": "timm/resnet18"}}

    files = {"manifest": (None, json.dumps(manifest)), "file": ("w.safetensors", DATA)}
    answer = served.client.post("/v1/models", files=files)

    assert answer.status_code in (201, 422)
    assert served.client.get(path).json()["state"] == "ready"


def test_a_model_that_was_not_checked_yet_is_checked_after_the_repair(served: Served):
    data = archive(data=b"{}" * 9)
    files = {"manifest": (None, json.dumps(MANIFEST)), "file": ("fox.pt2", data)}
    model = served.client.post("/v1/models", files=files).json()
    digest = hashlib.sha256(data).hexdigest()
    flip_bit(store_of(served), digest)
    served.zoo.blobs._verified.clear()
    with pytest.raises(Exception, match="damaged"):
        served.zoo.blobs.verify(digest)
    assert served.client.get(f"/v1/models/{model['id']}").json()["state"] == "damaged"

    stored(served.zoo, data)

    repaired = served.client.get(f"/v1/models/{model['id']}").json()
    assert repaired["state"] == "uploaded"
    assert repaired["job_id"] != model["job_id"]


def test_nothing_new_begins_with_a_damaged_model(served: Served):
    path, _ = rotten_model(served)
    with served.zoo.transaction() as session:
        probes = a_dataset(served.zoo, session).id

    answer = served.client.post(
        f"{path}/attributions", json={"dataset_id": probes, "indices": [0]}
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "blob_damaged")


def test_an_image_of_a_damaged_dataset_is_refused_and_repaired(served: Served):
    with served.zoo.transaction() as session:
        dataset = a_dataset(served.zoo, session)
    path = f"/v1/datasets/{dataset.id}"
    assert served.client.get(f"{path}/images/1").content == b"\x89PNG two!"
    flip_bit(store_of(served), dataset.packed_sha256 or "", at=12)

    answer = served.client.get(f"{path}/images/1")

    assert (answer.status_code, answer.json()["code"]) == (409, "blob_damaged")
    assert served.client.get(path).json()["state"] == "damaged"
    stored(served.zoo, b"".join(PICTURES))
    assert served.client.get(path).json()["state"] == "ready"
    assert served.client.get(f"{path}/images/1").content == b"\x89PNG two!"


@pytest.fixture
def archived(served: Served) -> tuple[str, str]:
    """Id of a ready dataset, and the digest of its archive, which was found damaged."""
    digest = stored(served.zoo, ARCHIVE)
    with served.zoo.transaction() as session:
        dataset = a_dataset(served.zoo, session, upload_sha256=digest).id
    flip_bit(store_of(served), digest)
    with pytest.raises(Exception, match="damaged"):
        served.zoo.blobs.verify(digest)
    return dataset, digest


def test_a_ready_dataset_whose_archive_is_damaged_says_so_until_it_is_uploaded_again(
    served: Served, archived: tuple[str, str]
):
    path = f"/v1/datasets/{archived[0]}"

    damaged = served.client.get(path).json()

    assert damaged["state"] == "damaged"
    assert [problem["code"] for problem in damaged["problems"]] == ["blob_damaged"]
    listed = served.client.get("/v1/datasets?state=damaged").json()["items"]
    assert [item["id"] for item in listed] == [archived[0]]
    upload = served.client.post("/v1/uploads", json={"size": len(ARCHIVE)}).json()
    served.client.patch(
        f"/v1/uploads/{upload['id']}", content=ARCHIVE, headers={"Upload-Offset": "0"}
    )
    repaired = served.client.get(path).json()
    assert (repaired["state"], repaired["problems"]) == ("ready", [])
    # Nothing was packed again: its images were whole.
    assert repaired["job_id"] == damaged["job_id"]


def test_grpc_reports_the_same_state(served: Served, archived: tuple[str, str]):
    with listening(served.zoo) as address:
        dialled = Dialled(served.zoo, address, served.token)
        dataset = dialled.datasets.GetDataset(GetDatasetRequest(id=archived[0])).dataset
        dialled.channel.close()

    assert dataset.state == DATASET_STATE_DAMAGED
    assert [problem.code for problem in dataset.problems] == ["blob_damaged"]


def test_a_damaged_graph_is_forgotten_and_a_damaged_result_is_not_reused(served: Served):
    digest = stored(served.zoo, b"a graph")
    picture = stored(served.zoo, b"a picture")
    with served.zoo.transaction() as session:
        model, dataset = a_model(session), a_dataset(served.zoo, session)
        a_graph(session, model, dataset, sha256=digest)
        session.add(
            JobRecord(
                id="job_1", project=PROJECT, method="attribution_map", method_version=1,
                state="succeeded", params={}, inputs={}, progress={}, cache_key="k",
            )
        )  # fmt: skip
        session.flush()
        session.add(
            ArtifactRecord(
                id="art_1", project=PROJECT, job_id="job_1", name="a.png",
                media_type="image/png", sha256=picture, size_bytes=9, cache_key="p",
            )
        )  # fmt: skip
    for sha256 in (digest, picture):
        flip_bit(store_of(served), sha256)
        with pytest.raises(Exception, match="damaged"):
            served.zoo.blobs.verify(sha256)

    answer = served.client.get("/v1/artifacts/art_1/content")

    assert (answer.status_code, answer.json()["code"]) == (409, "blob_damaged")
    with served.zoo.transaction() as session:
        assert session.query(GraphRecord).count() == 0
        assert session.get_one(JobRecord, "job_1").cache_key is None
        assert session.get_one(ArtifactRecord, "art_1").cache_key is None
        assert session.get_one(ModelRecord, model.id).state == "ready"


def test_a_damaged_file_is_collected_once_nothing_needs_it(served: Served):
    path, digest = rotten_model(served)
    assert garbage_collection.collect(served.zoo) == 0

    etag = served.client.get(path).headers["ETag"]
    assert served.client.delete(path, headers={"If-Match": etag}).status_code == 204

    assert garbage_collection.collect(served.zoo) == 1
    assert digest not in set(served.zoo.blobs.set_aside_digests())
    assert "zooscope_damaged_files 0.0" in served.client.get("/metrics").text
