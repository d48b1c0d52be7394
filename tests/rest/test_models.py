"""Models are created by form or upload, read, updated with their ETag, and deleted."""

import json

import pytest
from sqlalchemy import select

from service.core.tables import JobRecord, ModelRecord
from tests.rest.served import MANIFEST, Served, a_model, archive, finished_upload, safetensors

FORMS = {
    "pickle": b"\x80\x02}q\x00.",
    "old pickle": b"(dp0\nS'a'\np1\n.",
    "torch.save": archive("fox/data.pkl", b"\x80\x02."),
    "keras": archive("model.weights.h5", b"x"),
    "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(40),
    "executable": b"\x7fELF" + bytes(40),
    "tar": bytes(257) + b"ustar" + bytes(300),
    "gzip": b"\x1f\x8b\x08" + bytes(40),
}


def push(served: Served, data: bytes, **manifest: object):
    form = {"manifest": (None, json.dumps({**MANIFEST, **manifest}), "application/json")}
    return served.client.post("/v1/models", files={**form, "file": ("fox.pt2", data)})


def test_a_form_with_manifest_and_file_makes_a_model_that_is_checked_by_a_job(served: Served):
    answer = push(served, archive(), tags=["farm"])

    model = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/models/{model['id']}"
    assert (model["name"], model["state"], model["tags"]) == ("fox", "uploaded", ["farm"])
    with served.zoo.transaction() as session:
        job = session.scalars(select(JobRecord)).one()
    assert (job.method, job.inputs) == ("model_validation", {"model_id": model["id"]})


def test_an_onnx_file_needs_its_format_in_the_manifest(served: Served):
    data = b"\x08\x08\x12\x07pytorch" + bytes(40)

    model = push(served, data, format="onnx")
    mismatch = push(served, data)
    reverse = push(served, archive(), format="onnx")

    assert (model.status_code, model.json()["format"]) == (201, "onnx")
    assert mismatch.json()["code"] == reverse.json()["code"] == "format_mismatch"
    assert "`onnx`" in mismatch.json()["remedy"]


def test_the_file_may_come_before_the_manifest(served: Served):
    files = {"file": ("fox.pt2", archive()), "manifest": (None, json.dumps(MANIFEST))}

    answer = served.client.post("/v1/models", files=files)

    assert answer.status_code == 201


def test_a_finished_upload_and_a_manifest_make_a_model(served: Served):
    data = archive()
    first, second = finished_upload(served, data), finished_upload(served, data)

    flat = served.client.post("/v1/models", json={**MANIFEST, "upload_id": first})
    folded = served.client.post("/v1/models", json={"manifest": MANIFEST, "upload_id": second})

    assert (flat.status_code, folded.status_code) == (201, 201)
    assert served.client.get(f"/v1/models/{flat.json()['id']}/content").content == data


@pytest.mark.parametrize("kind", FORMS)
def test_unsafe_file_types_are_refused_with_the_remedy(served: Served, kind: str):
    answer = push(served, FORMS[kind])

    assert answer.status_code == 422
    assert answer.json()["code"] == "unsafe_format"
    importer = "zooscope import keras" if kind in ("keras", "hdf5") else "zooscope pack"
    assert importer in answer.json()["remedy"]
    with served.zoo.transaction() as session:
        assert session.scalars(select(ModelRecord)).all() == []


def test_a_readable_file_under_the_wrong_name_is_refused(served: Served):
    answer = push(served, safetensors())

    assert (answer.status_code, answer.json()["code"]) == (422, "format_mismatch")


def test_a_manifest_with_an_error_is_refused_with_a_pointer(served: Served):
    answer = push(served, archive(), input={"height": 1, "width": 8})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/manifest/input/height"


def test_a_form_without_a_file_is_refused(served: Served):
    answer = served.client.post("/v1/models", files={"manifest": (None, json.dumps(MANIFEST))})

    assert (answer.status_code, answer.json()["code"]) == (422, "file_missing")


def test_the_list_is_filtered_and_paged(served: Served):
    with served.zoo.transaction() as session:
        for number in range(5):
            a_model(session, name=f"Hen {number}", tags=["bird"])
        a_model(session, name="fox", task_kind="segmentation")

    first = served.client.get("/v1/models", params={"name": "hen", "page_size": 3}).json()
    token = first["next_page_token"]
    second = served.client.get(
        "/v1/models", params={"name": "hen", "page_size": 3, "page_token": token}
    ).json()

    names = [model["name"] for model in [*first["items"], *second["items"]]]
    assert names == ["Hen 4", "Hen 3", "Hen 2", "Hen 1", "Hen 0"]
    assert second["next_page_token"] is None
    assert len(served.client.get("/v1/models", params={"tag": "bird"}).json()["items"]) == 5
    task = served.client.get("/v1/models", params={"task": "segmentation"}).json()
    assert [model["name"] for model in task["items"]] == ["fox"]


def test_a_page_token_of_another_filter_or_a_forged_one_is_refused(served: Served):
    with served.zoo.transaction() as session:
        for _ in range(3):
            a_model(session)
    token = served.client.get("/v1/models", params={"page_size": 1}).json()["next_page_token"]

    for query in ({"page_token": token, "tag": "x"}, {"page_token": token[:-2] + "AA"}):
        answer = served.client.get("/v1/models", params=query)

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_page_token")


def test_a_current_etag_returns_304(served: Served):
    with served.zoo.transaction() as session:
        model_id = a_model(session).id
    received = served.client.get(f"/v1/models/{model_id}")

    again = served.client.get(
        f"/v1/models/{model_id}", headers={"If-None-Match": received.headers["ETag"]}
    )

    assert received.headers["ETag"] == received.json()["etag"]
    assert (again.status_code, again.content) == (304, b"")


def test_an_update_requires_the_current_etag(served: Served):
    with served.zoo.transaction() as session:
        path = f"/v1/models/{a_model(session).id}"
    etag = served.client.get(path).json()["etag"]
    change = {"name": "cock", "tags": ["bird"], "license": "MIT", "task": "regression"}

    without = served.client.patch(path, json=change)
    changed = served.client.patch(path, json=change, headers={"If-Match": etag})
    late = served.client.patch(path, json=change, headers={"If-Match": etag})

    assert (without.status_code, without.json()["code"]) == (428, "etag_required")
    assert (late.status_code, late.json()["code"]) == (412, "etag_mismatch")
    model = changed.json()
    assert (model["name"], model["tags"], model["license"]) == ("cock", ["bird"], "MIT")
    assert model["task"]["kind"] == "regression"
    assert model["etag"] == changed.headers["ETag"] != etag


def test_a_deleted_model_is_not_found(served: Served):
    with served.zoo.transaction() as session:
        path = f"/v1/models/{a_model(session).id}"
    etag = served.client.get(path).json()["etag"]

    gone = served.client.delete(path, headers={"If-Match": etag})

    assert gone.status_code == 204
    assert served.client.get(path).json()["code"] == "model_not_found"


def test_layers_are_listed(served: Served):
    with served.zoo.transaction() as session:
        model = a_model(session)

    layers = served.client.get(f"/v1/models/{model.id}/layers").json()

    assert layers["feature_layer"] == "conv"
    assert layers["items"] == [{"name": "conv", "kind": "convolution", "shape": [4, 8, 8]}]


def test_another_project_sees_nothing_of_a_model(served: Served):
    with served.zoo.transaction() as session:
        path = f"/v1/models/{a_model(session).id}"

    stranger = served.with_scopes("admin", project="elsewhere")

    assert stranger.get(path).status_code == 404
    assert stranger.get("/v1/models").json()["items"] == []


@pytest.mark.parametrize("name", ["pin:1", "pin@prod", "mdl_1", "\u200b"])
def test_no_upload_takes_over_a_reference(served: Served, name: str):
    problem = push(served, archive(), name=name).json()

    assert (problem["status"], problem["code"]) == (422, "invalid_name")
    assert problem["errors"][0]["pointer"] == "/name"


def test_no_model_is_renamed_to_a_reference(served: Served):
    model = push(served, archive()).json()

    answer = served.client.patch(
        f"/v1/models/{model['id']}", json={"name": "pin:1"}, headers={"If-Match": model["etag"]}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_name")
