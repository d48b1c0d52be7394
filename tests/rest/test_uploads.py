"""Uploads resume where they stopped, are verified, and never exceed their announced size."""

import hashlib
import socket

import pytest

from service.core.errors import UnavailableError
from service.core.staging import DiskGuard
from tests.rest.full_projects import together
from tests.rest.served import MANIFEST, Served, archive, finished_upload
from tests.waiting import eventually

DATA = bytes(range(256)) * 8000


def announce(served: Served, **body: object) -> str:
    answer = served.client.post("/v1/uploads", json={"size": len(DATA), **body})
    assert answer.status_code == 201
    assert answer.json()["offset"] == 0
    return f"/v1/uploads/{answer.json()['id']}"


def send(served: Served, path: str, data: bytes, offset: int):
    return served.client.patch(path, content=data, headers={"Upload-Offset": str(offset)})


def test_parts_at_their_offsets_make_the_whole_file(served: Served):
    path = announce(served, sha256=hashlib.sha256(DATA).hexdigest(), filename="fox.pt2")

    first = send(served, path, DATA[:70_000], 0)
    response = served.client.head(path)
    last = send(served, path, DATA[70_000:], 70_000)

    assert first.json()["state"] == "receiving"
    assert (response.headers["Upload-Offset"], response.headers["Upload-Length"]) == (
        "70000",
        str(len(DATA)),
    )
    assert last.json()["state"] == "complete"
    assert last.json()["sha256"] == hashlib.sha256(DATA).hexdigest()
    assert b"".join(served.zoo.blobs.read(last.json()["sha256"])) == DATA


def test_a_wrong_offset_is_refused_with_the_right_one(served: Served):
    path = announce(served)
    send(served, path, DATA[:1000], 0)

    answer = send(served, path, DATA[500:], 500)

    assert (answer.status_code, answer.json()["code"]) == (409, "offset_mismatch")
    assert "1000" in answer.json()["remedy"]


def test_a_connection_cut_within_a_block_loses_no_byte(served: Served):
    path = announce(served)
    sent = 1_048_576 + 300_001

    _cut_after(served, path, sent)

    eventually(lambda: served.client.head(path).headers["Upload-Offset"] == str(sent))
    rest = _when_free(lambda: send(served, path, DATA[sent:], sent))
    assert rest.json()["sha256"] == hashlib.sha256(DATA).hexdigest()


def test_what_a_killed_process_wrote_is_kept(served: Served, zoo):
    from service.uploads import UploadService

    path = announce(served)
    part = UploadService(zoo).open_part(
        project="default", upload_id=path.rpartition("/")[2], offset=0
    )
    part.receiver.feed(DATA)

    eventually(lambda: served.client.head(path).headers["Upload-Offset"] == str(len(DATA)))
    part.receiver.close()
    last = send(served, path, b"", len(DATA))

    assert last.json()["state"] == "complete"
    assert last.json()["sha256"] == hashlib.sha256(DATA).hexdigest()


def test_bytes_with_a_wrong_digest_are_no_progress(served: Served):
    path = announce(served)
    send(served, path, DATA[:1000], 0)

    wrong = served.client.patch(
        path,
        content=b"other bytes",
        headers={"Upload-Offset": "1000", "Content-Digest": f"sha-256=:{'A' * 43}=:"},
    )

    assert wrong.status_code == 422
    assert served.client.head(path).headers["Upload-Offset"] == "1000"


def _cut_after(served: Served, path: str, size: int) -> None:
    """Send the first bytes of a body over a connection that then ends."""
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as broken:
        head = (
            f"PATCH {path} HTTP/1.1\r\nHost: localhost\r\nUpload-Offset: 0\r\n"
            f"Authorization: Bearer {served.token}\r\nContent-Length: {len(DATA)}\r\n"
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        broken.sendall(head.encode() + DATA[:size])


def _when_free(act):
    """The answer to ``act`` once no other request holds the upload."""
    answers = []

    def is_free() -> bool:
        answers.append(act())
        return answers[-1].json().get("code") != "upload_busy"

    eventually(is_free)
    return answers[-1]


def test_a_second_process_rehashes_what_the_first_one_received(served: Served, zoo):
    from service.uploads import UploadService

    path = announce(served)
    send(served, path, DATA[:1000], 0)
    other = UploadService(zoo)

    part = other.open_part(project="default", upload_id=path.rpartition("/")[2], offset=1000)
    part.receiver.feed(DATA[1000:])
    record = other.close_part(part)

    assert record.sha256 == hashlib.sha256(DATA).hexdigest()


def test_a_second_sender_at_the_same_time_is_refused(served: Served, zoo):
    from service.uploads import UploadService

    path = announce(served)
    part = UploadService(zoo).open_part(
        project="default", upload_id=path.rpartition("/")[2], offset=0
    )

    answer = send(served, path, DATA, 0)

    part.receiver.close()
    assert (answer.status_code, answer.json()["code"]) == (409, "upload_busy")


def test_corrupt_bytes_are_refused_and_the_upload_restarts(served: Served):
    path = announce(served, sha256=hashlib.sha256(DATA).hexdigest())

    bad = send(served, path, b"x" + DATA[1:], 0)
    good = send(served, path, DATA, 0)

    assert (bad.status_code, bad.json()["code"]) == (422, "checksum_mismatch")
    assert good.json()["state"] == "complete"


def test_more_bytes_than_announced_are_refused(served: Served):
    path = announce(served)

    def chunks():
        yield DATA
        yield b"one more"

    response = send(served, path, DATA + b"x", 0)
    untold = served.client.patch(path, content=chunks(), headers={"Upload-Offset": "0"})

    assert (response.status_code, response.json()["code"]) == (413, "upload_too_large")
    assert (untold.status_code, untold.json()["code"]) == (413, "upload_too_large")


def test_an_upload_beyond_the_limit_is_refused_before_it_starts(served: Served):
    answer = served.client.post("/v1/uploads", json={"size": 2**40})

    assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")


def test_a_model_needs_a_complete_upload(served: Served):
    path = announce(served)
    manifest = {"name": "fox", "format": "pt2", "input": {"height": 8, "width": 8}}

    half = served.client.post(
        "/v1/models", json={**manifest, "upload_id": path.rpartition("/")[2]}
    )
    none = served.client.post("/v1/models", json={**manifest, "upload_id": "upl_0"})

    assert (half.status_code, half.json()["code"]) == (409, "upload_incomplete")
    assert (none.status_code, none.json()["code"]) == (422, "unknown_upload")


@pytest.mark.parametrize(
    ("first", "second"),
    [("models", "models"), ("models", "datasets"), ("datasets", "models")],
)
def test_an_upload_is_used_once(served: Served, first: str, second: str):
    upload = finished_upload(served, archive())
    bodies = {"models": {**MANIFEST, "upload_id": upload}, "datasets": {"name": "owls"}}
    bodies["datasets"]["upload_id"] = upload

    used = served.client.post(f"/v1/{first}", json=bodies[first])
    again = served.client.post(f"/v1/{second}", json=bodies[second])

    assert used.status_code == 201, used.text
    assert (again.status_code, again.json()["code"]) == (409, "upload_used")
    assert [problem["pointer"] for problem in again.json()["errors"]] == ["/upload_id"]
    assert "POST /v1/uploads" in again.json()["remedy"]


def test_a_crowd_makes_one_model_of_an_upload(served: Served):
    body = {**MANIFEST, "upload_id": finished_upload(served, archive())}

    answers = together(lambda _: served.client.post("/v1/models", json=body).status_code)

    assert sorted(answers) == [201] + [409] * (len(answers) - 1)


def test_a_repeated_request_with_a_key_gets_the_model_of_its_upload(served: Served):
    body = {**MANIFEST, "upload_id": finished_upload(served, archive())}
    headers = {"Idempotency-Key": "a key"}

    first, again = (served.client.post("/v1/models", json=body, headers=headers) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]


def test_a_refused_model_leaves_its_upload_unused(served: Served):
    body = {**MANIFEST, "upload_id": finished_upload(served, archive())}

    refused = served.client.post("/v1/models", json={**body, "name": "a:1"})
    accepted = served.client.post("/v1/models", json=body)

    assert (refused.status_code, accepted.status_code) == (422, 201)


def test_a_full_disk_stops_writes_until_space_is_free(tmp_path, monkeypatch):
    import shutil

    percent = [91]
    usage = type(shutil.disk_usage(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100, percent[0], 100 - percent[0]))
    guard = DiskGuard(tmp_path, stop_percent=90, resume_percent=85)

    with pytest.raises(UnavailableError, match="91 %"):
        guard.require_space()
    percent[0] = 87
    with pytest.raises(UnavailableError):
        guard.require_space()
    percent[0] = 84
    guard.require_space()
    percent[0] = 87
    guard.require_space()
