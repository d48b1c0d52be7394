"""File names of any language come in and go out unharmed; folder names are labels."""

import io
import json
import zipfile
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from service.core.tables import DatasetRecord
from tests.rest.served import MANIFEST, Served, archive

NAMES = ("café/1.png", "東京/一.png", "naïve/2.png", "Ελλάς/3.png", "😀/4.png", "plain/5.png")
DECOMPOSED = "cafe\u0301"


def part(name: str, disposition: bytes, data: bytes) -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="' + name.encode() + b'"' + disposition
    return head + b"\r\n\r\n" + data + b"\r\n"


def dataset_of(served: Served, *dispositions: bytes):
    body = part("manifest", b"", b'{"name": "farm"}')
    body += b"".join(part("files", b"; " + text, b"image") for text in dispositions)
    return served.client.post(
        "/v1/datasets",
        content=body + b"--x--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )


def names_in(served: Served) -> list[str]:
    with served.zoo.transaction() as session:
        record = session.scalars(select(DatasetRecord)).one()
    stored = b"".join(served.zoo.blobs.read(record.upload_sha256))
    with zipfile.ZipFile(io.BytesIO(stored)) as packed:
        return packed.namelist()


def test_names_in_utf8_are_stored_as_they_are(served: Served):
    files = [("manifest", (None, json.dumps({"name": "farm"})))]
    files += [("files", (name, b"image", "image/png")) for name in NAMES]

    answer = served.client.post("/v1/datasets", files=files)

    assert answer.status_code == 201, answer.text
    assert names_in(served) == list(NAMES)


def test_the_extended_name_wins_and_decomposed_letters_are_composed(served: Served):
    answer = dataset_of(
        served,
        b"filename=\"x\"; filename*=UTF-8''caf%C3%A9%2F1.png",
        f'filename="{DECOMPOSED}/2.png"'.encode(),
    )

    assert answer.status_code == 201, answer.text
    assert names_in(served) == ["café/1.png", "café/2.png"]


@pytest.mark.parametrize(
    "disposition",
    [
        b'filename="caf\xe9/1.png"',
        b"filename*=iso-8859-1''caf%E9.png",
        b'filename="a%0D%0Ab.png"',
        'filename="gnp\u202e.exe"'.encode(),
        b'filename="../../1.png"',
        b'filename=""',
        b'filename="' + b"a" * 600 + b'"',
    ],
)
def test_a_name_that_cannot_be_kept_is_refused_and_leaves_nothing(
    served: Served, disposition: bytes
):
    answer = dataset_of(served, disposition)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_file_name")
    assert answer.json()["remedy"]
    assert list(served.zoo.staging.iterdir()) == []


def test_two_names_that_differ_only_in_composition_are_one_name(served: Served):
    answer = dataset_of(
        served, 'filename="café.png"'.encode(), f'filename="{DECOMPOSED}.png"'.encode()
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_file_name")


def test_a_download_carries_the_name_of_the_upload(served: Served):
    form = {
        "manifest": (None, json.dumps(MANIFEST), "application/json"),
        "file": (f"nets/{DECOMPOSED} 東京.pt2", archive(), "application/octet-stream"),
    }
    model_id = served.client.post("/v1/models", files=form).json()["id"]

    header = served.client.get(f"/v1/models/{model_id}/content").headers["Content-Disposition"]

    assert header.startswith('attachment; filename="caf____.pt2"; filename*=UTF-8')
    assert unquote(header.rpartition("''")[2]) == "café 東京.pt2"


def test_an_announced_upload_has_the_same_rule(served: Served):
    whole = {"size": 4, "filename": f"C:\\nets\\{DECOMPOSED}.pt2"}

    taken = served.client.post("/v1/uploads", json=whole)
    refused = served.client.post("/v1/uploads", json={"size": 4, "filename": "a\u202eb"})

    assert taken.json()["filename"] == "café.pt2"
    assert refused.status_code == 422
