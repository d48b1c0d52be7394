"""Uploads speak tus 1.0, so that stock uploaders create, send and resume them."""

import base64
import hashlib
import os

import httpx
import pytest

from tests.rest.served import MANIFEST, Served, archive

TUS = {"Tus-Resumable": "1.0.0"}
OCTETS = {**TUS, "Content-Type": "application/offset+octet-stream"}


def metadata(**values: str) -> str:
    pairs = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())
    return ",".join(pairs)


def create(served: Served, data: bytes, **values: str) -> httpx.Response:
    headers = {**TUS, "Upload-Length": str(len(data)), "Upload-Metadata": metadata(**values)}
    return served.client.post("/v1/uploads", headers=headers)


def send(served: Served, url: str, data: bytes, *, offset: int) -> httpx.Response:
    headers = {**OCTETS, "Upload-Offset": str(offset)}
    return served.client.patch(url, content=data, headers=headers)


def test_a_file_is_created_sent_in_parts_and_becomes_a_model(served: Served):
    data = archive()
    created = create(served, data, filename="füchse.pt2", sha256=hashlib.sha256(data).hexdigest())
    url = created.headers["Location"]

    first = send(served, url, data[:10], offset=0)
    state = served.client.head(url, headers=TUS)
    last = send(served, url, data[10:], offset=10)

    assert (created.status_code, first.status_code, last.status_code) == (201, 204, 204)
    assert (first.content, first.headers["Upload-Offset"]) == (b"", "10")
    assert (state.headers["Upload-Offset"], state.headers["Upload-Length"]) == (
        "10",
        str(len(data)),
    )
    assert state.headers["Cache-Control"] == "no-store"
    for answer in (created, first, state, last):
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        assert answer.headers["Upload-Expires"].endswith("GMT")
    body = {**MANIFEST, "upload_id": url.rpartition("/")[2]}
    assert served.client.post("/v1/models", json=body).status_code == 201


def test_the_options_name_version_extensions_and_largest_size(served: Served):
    answer = served.client.options("/v1/uploads")

    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert "creation" in answer.headers["Tus-Extension"].split(",")
    assert int(answer.headers["Tus-Max-Size"]) > 0


def test_a_wrong_offset_is_a_conflict_that_still_speaks_tus(served: Served):
    url = create(served, os.urandom(20)).headers["Location"]

    answer = send(served, url, b"x" * 5, offset=7)

    assert (answer.status_code, answer.json()["code"]) == (409, "offset_mismatch")
    assert answer.headers["Tus-Resumable"] == "1.0.0"


def test_another_version_is_refused_with_the_one_that_is_known(served: Served):
    answer = served.client.post(
        "/v1/uploads", headers={"Tus-Resumable": "0.2.2", "Upload-Length": "3"}
    )

    assert (answer.status_code, answer.json()["code"]) == (412, "unsupported_tus_version")
    assert answer.headers["Tus-Version"] == "1.0.0"


def test_a_client_without_patch_overrides_the_method(served: Served):
    data = os.urandom(20)
    url = create(served, data).headers["Location"]
    headers = {**OCTETS, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}

    answer = served.client.post(url, content=data, headers=headers)

    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "20")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "length_required"),
        ({"Upload-Length": "-3"}, "length_required"),
        ({"Upload-Length": "1e9"}, "length_required"),
        ({"Upload-Length": "9" * 5000}, "length_required"),
        ({"Upload-Length": "0"}, "invalid_request"),
        ({"Upload-Length": "3", "Upload-Metadata": "filename ???"}, "invalid_upload_metadata"),
        ({"Upload-Length": "3", "Upload-Metadata": metadata(sha256="12")}, "invalid_request"),
    ],
)
def test_headers_that_do_not_fit_are_refused(served: Served, headers: dict[str, str], code: str):
    answer = served.client.post("/v1/uploads", headers={**TUS, **headers})

    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_without_body_and_without_tus_the_body_is_missing(served: Served):
    answer = served.client.post("/v1/uploads")

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/body")
