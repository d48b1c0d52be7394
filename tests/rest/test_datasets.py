"""Datasets are created from one archive or many files, and images are read by position."""

import io
import json
import zipfile

from sqlalchemy import select

from service.core.tables import DatasetRecord, JobRecord
from tests.rest.served import Served, a_dataset


def test_many_files_in_one_form_become_one_zip_with_their_folders(served: Served):
    pictures = {f"cat/{n}.png": bytes([n]) * 70_000 for n in range(40)}
    files = [
        ("manifest", (None, json.dumps({"name": "farm"}))),
        *(("files", (name, data, "image/png")) for name, data in pictures.items()),
    ]

    answer = served.client.post("/v1/datasets", files=files)

    assert answer.status_code == 201
    with served.zoo.transaction() as session:
        record = session.scalars(select(DatasetRecord)).one()
        job = session.scalars(select(JobRecord)).one()
    stored = b"".join(served.zoo.blobs.read(record.upload_sha256))
    with zipfile.ZipFile(io.BytesIO(stored)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == pictures
    assert (job.method, record.state) == ("dataset_ingestion", "uploaded")


def test_one_archive_is_stored_unchanged(served: Served):
    manifest = {"name": "farm", "layout": "flat", "on_error": "skip"}
    files = {"manifest": (None, json.dumps(manifest)), "file": ("farm.tar", b"bytes")}

    answer = served.client.post("/v1/datasets", files=files)

    assert answer.status_code == 201
    with served.zoo.transaction() as session:
        record = session.scalars(select(DatasetRecord)).one()
    assert b"".join(served.zoo.blobs.read(record.upload_sha256)) == b"bytes"
    assert (record.filename, record.manifest["layout"]) == ("farm.tar", "flat")


def test_two_files_with_one_name_are_refused_and_leave_nothing(served: Served):
    files = [("manifest", (None, "{}")), ("files", ("a.png", b"1")), ("files", ("a.png", b"2"))]

    answer = served.client.post("/v1/datasets", files=files)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_file_name")
    assert list(served.zoo.staging.iterdir()) == []


def test_images_are_listed_and_read_by_position(served: Served):
    with served.zoo.transaction() as session:
        path = f"/v1/datasets/{a_dataset(served.zoo, session).id}"

    first = served.client.get(f"{path}/images", params={"page_size": 1}).json()
    rest = served.client.get(
        f"{path}/images", params={"page_size": 1, "page_token": first["next_page_token"]}
    ).json()
    image = served.client.get(f"{path}/images/1")

    assert [item["index"] for item in (*first["items"], *rest["items"])] == [0, 1]
    assert rest["next_page_token"] is None
    assert (image.content, image.headers["content-type"]) == (b"\x89PNG two!", "image/png")
    received = {"If-None-Match": image.headers["ETag"]}
    assert served.client.get(f"{path}/images/1", headers=received).status_code == 304
    assert served.client.get(f"{path}/images/2").json()["code"] == "image_not_found"


def test_a_dataset_that_a_job_needs_is_not_deleted(served: Served):
    with served.zoo.transaction() as session:
        dataset = a_dataset(served.zoo, session)
    job = {"method": "depara", "inputs": {"model_id": "mdl_1", "dataset_id": dataset.id}}
    job_id = served.client.post("/v1/jobs", json=job).json()["id"]

    refused = served.client.delete(f"/v1/datasets/{dataset.id}")
    served.client.post(f"/v1/jobs/{job_id}:cancel")
    removed = served.client.delete(f"/v1/datasets/{dataset.id}")

    assert (refused.status_code, refused.json()["code"]) == (409, "dataset_in_use")
    assert removed.status_code == 204
