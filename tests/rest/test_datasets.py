"""Datasets are created from one archive or many files, and images are read by position."""

import io
import json
import zipfile

from sqlalchemy import select

from service.core.tables import DatasetRecord, ImageRecord, JobRecord, LabelKind
from tests.rest.served import IMAGES, Served, a_dataset, a_model, masked


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


def test_a_manifest_says_how_to_read_what_could_mean_two_things(served: Served):
    manifest = {
        "name": "farm", "split": "train", "label_folder": "first", "label_column": "breed",
        "image_column": "photo", "encoding": "gbk",
    }  # fmt: skip
    files = {"manifest": (None, json.dumps(manifest)), "file": ("farm.tar", b"bytes")}

    answer = served.client.post("/v1/datasets", files=files)

    assert answer.status_code == 201
    with served.zoo.transaction() as session:
        record = session.scalars(select(DatasetRecord)).one()
    assert manifest.items() <= record.manifest.items()
    wrong = {"manifest": (None, '{"name": "farm", "encoding": "rot13"}'), "file": ("a", b"a")}
    assert served.client.post("/v1/datasets", files=wrong).status_code == 422


def test_a_dataset_shows_its_notes_and_images_their_labels(served: Served):
    note = {"code": "skipped_files", "detail": "left out", "count": 1, "names": ["README"]}
    with served.zoo.transaction() as session:
        dataset = a_dataset(served.zoo, session, notes=[note], label_kind=LabelKind.MULTIPLE)
        for image in session.scalars(select(ImageRecord)):
            image.label, image.labels = None, [0, 1]
        path = f"/v1/datasets/{dataset.id}"

    shown = served.client.get(path).json()
    images = served.client.get(f"{path}/images").json()["items"]

    assert (shown["notes"], shown["label_kind"]) == ([note], "multiple")
    assert [(image["label"], image["labels"]) for image in images] == [(None, [0, 1])] * IMAGES


def test_a_ranking_needs_one_label_per_image(served: Served):
    with served.zoo.transaction() as session:
        a_model(session)
        dataset = a_dataset(served.zoo, session, label_kind=LabelKind.MULTIPLE)

    for metric in ("logme", "depara"):
        body = {"target": {"dataset_id": dataset.id}, "metric": metric}
        refused = served.client.post("/v1/rankings", json=body)

        assert (refused.status_code, refused.json()["code"]) == (422, "target_multi_label")


def test_a_ranking_counts_images_of_the_target_among_the_probes(served: Served):
    with served.zoo.transaction() as session:
        a_model(session)
        target, probes = a_dataset(served.zoo, session), a_dataset(served.zoo, session)
    body = {"target": {"dataset_id": target.id}, "probe_set_id": probes.id, "metric": "depara"}

    answer = served.client.post("/v1/rankings", json=body)

    assert answer.status_code == 202
    assert answer.json()["shared_images"] == IMAGES


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
        f"{path}/images", params={"page_size": IMAGES, "page_token": first["next_page_token"]}
    ).json()
    image = served.client.get(f"{path}/images/1")

    assert [item["index"] for item in (*first["items"], *rest["items"])] == [*range(IMAGES)]
    assert rest["next_page_token"] is None
    assert (image.content, image.headers["content-type"]) == (b"\x89PNG two!", "image/png")
    received = {"If-None-Match": image.headers["ETag"]}
    assert served.client.get(f"{path}/images/1", headers=received).status_code == 304
    assert served.client.get(f"{path}/images/{IMAGES}").json()["code"] == "image_not_found"


def test_the_mask_of_an_image_is_read_by_its_position(served: Served):
    with served.zoo.transaction() as session:
        path = f"/v1/datasets/{masked(session, a_dataset(served.zoo, session)).id}"
    stranger = served.with_scopes("read", project="another")

    mask = served.client.get(f"{path}/masks/1")

    assert (mask.content, mask.headers["content-type"]) == (b"\x89PNG two!", "image/png")
    digest = served.client.get(f"{path}/images").json()["items"][1]["mask_sha256"]
    assert mask.headers["ETag"] == f'"{digest}"'
    received = {"If-None-Match": mask.headers["ETag"]}
    assert served.client.get(f"{path}/masks/1", headers=received).status_code == 304
    assert served.client.get(f"{path}/masks/{IMAGES}").json()["code"] == "image_not_found"
    assert stranger.get(f"{path}/masks/1").json()["code"] == "dataset_not_found"


def test_an_image_without_a_mask_says_how_to_get_one(served: Served):
    with served.zoo.transaction() as session:
        path = f"/v1/datasets/{a_dataset(served.zoo, session).id}"

    answer = served.client.get(f"{path}/masks/0")

    assert (answer.status_code, answer.json()["code"]) == (404, "mask_not_found")
    assert "layout masks" in answer.json()["remedy"]
    assert served.client.get(f"{path}/images").json()["items"][0]["mask_sha256"] is None


def test_a_dataset_that_a_job_needs_is_not_deleted(served: Served):
    with served.zoo.transaction() as session:
        model, dataset = a_model(session), a_dataset(served.zoo, session)
    job = {"method": "depara", "inputs": {"model_id": model.id, "dataset_id": dataset.id}}
    job_id = served.client.post("/v1/jobs", json=job).json()["id"]

    refused = served.client.delete(f"/v1/datasets/{dataset.id}")
    served.client.post(f"/v1/jobs/{job_id}:cancel")
    removed = served.client.delete(f"/v1/datasets/{dataset.id}")

    assert (refused.status_code, refused.json()["code"]) == (409, "dataset_in_use")
    assert removed.status_code == 204


def test_a_class_that_is_listed_twice_is_refused(served: Served):
    manifest = {"name": "farm", "labels": ["cat", "dog", "cat"]}
    files = {"manifest": (None, json.dumps(manifest)), "file": ("farm.tar", b"bytes")}

    problem = served.client.post("/v1/datasets", files=files).json()

    assert (problem["status"], problem["code"]) == (422, "repeated_label")
    assert problem["errors"][0]["pointer"] == "/labels/2"
