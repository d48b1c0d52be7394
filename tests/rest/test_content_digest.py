"""Content-Digest (RFC 9530) is checked when it is sent, and stated of every file that is sent."""

import base64
import hashlib
import json

import pytest

from service.core.content_digest import DigestCheck
from service.core.errors import InvalidRequestError, RefusedUploadError
from tests.rest.served import MANIFEST, Served, a_model, archive, safetensors, stored

DATA = bytes(range(256)) * 300


def digest(data: bytes, name: str = "sha-256") -> str:
    value = hashlib.new(name.replace("-", ""), data).digest()
    return f"{name}=:{base64.b64encode(value).decode()}:"


def announced(served: Served) -> str:
    upload = served.client.post("/v1/uploads", json={"size": len(DATA)}).json()
    return f"/v1/uploads/{upload['id']}"


def send(served: Served, path: str, data: bytes, offset: int, header: str):
    headers = {"Upload-Offset": str(offset), "Content-Digest": header}
    return served.client.patch(path, content=data, headers=headers)


@pytest.mark.parametrize(
    "header",
    [
        digest(DATA),
        digest(DATA, "sha-512"),
        f"{digest(DATA)}, {digest(DATA, 'sha-512')}",
        f"md5=:AAAA:, {digest(DATA)}",
        "unixsum=:AAAA:",
        f"{digest(DATA)};parameter=1",
    ],
)
def test_a_right_digest_is_accepted_and_unknown_algorithms_are_ignored(
    served: Served, header: str
):
    assert send(served, announced(served), DATA, 0, header).json()["state"] == "complete"


@pytest.mark.parametrize(
    "header", [digest(b"x"), digest(b"x", "sha-512"), f"{digest(DATA)}, {digest(b'x', 'sha-512')}"]
)
def test_a_part_with_another_digest_is_not_appended(served: Served, header: str):
    path = announced(served)
    send(served, path, DATA[:1000], 0, digest(DATA[:1000]))

    refused = send(served, path, DATA[1000:], 1000, header)

    assert (refused.status_code, refused.json()["code"]) == (422, "content_digest_mismatch")
    assert served.client.head(path).headers["Upload-Offset"] == "1000"
    done = send(served, path, DATA[1000:], 1000, digest(DATA[1000:]))
    assert done.json()["sha256"] == hashlib.sha256(DATA).hexdigest()


@pytest.mark.parametrize(
    "header", ["", "sha-256", "sha-256=abc", "sha-256=:abc:", "sha-256=:YQ==:", "sha-256=1, ?"]
)
def test_an_invalid_digest_is_refused_before_the_first_byte(served: Served, header: str):
    path = announced(served)

    refused = send(served, path, DATA, 0, header)

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_content_digest")
    assert served.client.head(path).headers["Upload-Offset"] == "0"


def test_a_form_with_another_digest_makes_no_model(served: Served):
    files = {"manifest": (None, json.dumps(MANIFEST)), "file": ("fox.pt2", archive())}
    headers = {"Content-Digest": digest(b"x")}

    refused = served.client.post("/v1/models", files=files, headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (422, "content_digest_mismatch")
    assert served.client.get("/v1/models").json()["items"] == []
    assert list(served.zoo.staging.iterdir()) == []


def test_a_download_states_its_digest(served: Served):
    data = safetensors()
    with served.zoo.transaction() as session:
        manifest = {**MANIFEST, "format": "safetensors"}
        model = a_model(session, upload_sha256=stored(served.zoo, data), manifest=manifest)

    answer = served.client.get(f"/v1/models/{model.id}/content")

    assert answer.headers["Content-Digest"] == digest(answer.content) == digest(data)


def test_repeated_headers_count_as_one_list():
    check = DigestCheck(f"{digest(DATA)}, {digest(b'x', 'sha-512')}")
    check.update(DATA)

    with pytest.raises(RefusedUploadError, match="sha-512"):
        check.require_match()
    with pytest.raises(InvalidRequestError):
        DigestCheck("sha-512=:YQ==:")
