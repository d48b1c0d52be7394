"""HEAD answers as GET does, without the body, and OpenAPI says so."""

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from service.embedded.postgres import PrivatePostgres
from tests.rest.fuzz.seeds import SeededZoo, seeded_zoo
from tests.rest.served import MANIFEST, Served, a_dataset, archive, masked, stored


@pytest.fixture(scope="module")
def paths(shared: Served) -> dict[str, str]:
    """Something behind every kind of GET."""
    files = {"file": ("fox.pt2", archive(), "application/octet-stream")}
    body = {**files, "manifest": (None, __import__("json").dumps(MANIFEST), "application/json")}
    model = shared.client.post("/v1/models", files=body).json()["id"]
    with shared.zoo.transaction() as session:
        dataset = masked(session, a_dataset(shared.zoo, session)).id
    upload = shared.client.post("/v1/uploads", json={"size": 10}).json()["id"]
    return {
        "/v1/models/{model_id}": f"/v1/models/{model}",
        "/v1/models/{model_id}/content": f"/v1/models/{model}/content",
        "/v1/models/{model_id}/layers": f"/v1/models/{model}/layers",
        "/v1/models": "/v1/models",
        "/v1/datasets/{dataset_id}": f"/v1/datasets/{dataset}",
        "/v1/datasets/{dataset_id}/images/{index}": f"/v1/datasets/{dataset}/images/0",
        "/v1/datasets/{dataset_id}/masks/{index}": f"/v1/datasets/{dataset}/masks/0",
        "/v1/uploads/{upload_id}": f"/v1/uploads/{upload}",
        "/healthz": "/healthz",
        "/metrics": "/metrics",
    }


def test_head_has_the_status_and_headers_of_get(shared: Served, paths: dict[str, str]):
    for path in paths.values():
        get, head = shared.client.get(path), shared.client.head(path)

        ignored = {"trace-id", "date"} | ({"content-length"} if path == "/metrics" else set())
        assert head.status_code == get.status_code == 200, path
        assert head.content == b""
        assert {k: v for k, v in head.headers.items() if k not in ignored} == {
            k: v for k, v in get.headers.items() if k not in ignored
        }
        if path != "/metrics":
            assert int(head.headers["content-length"]) == len(get.content)


def test_head_of_a_stranger_is_refused_as_get_is(shared: Served):
    stranger = shared.with_token(None)

    assert stranger.head("/v1/models").status_code == 401
    assert shared.client.head("/v1/models/mdl_0").status_code == 404
    assert shared.client.head("/v1/nothing").status_code == 404


def test_head_compares_etags(shared: Served, paths: dict[str, str]):
    path = paths["/v1/models/{model_id}/content"]
    etag = shared.client.head(path).headers["ETag"]

    answer = shared.client.head(path, headers={"If-None-Match": etag})

    assert (answer.status_code, answer.headers["ETag"]) == (304, etag)


def test_head_of_a_long_file_does_not_read_it(shared: Served, monkeypatch: pytest.MonkeyPatch):
    from service.adapters import object_store

    data = bytes(64 * 1024**2)
    digest = stored(shared.zoo, data)
    read = []
    store = type(shared.zoo.blobs)
    whole = store.read

    def counted(self: object, sha256: str, **arguments: object):
        for chunk in whole(self, sha256, **arguments):
            read.append(len(chunk))
            yield chunk

    monkeypatch.setattr(store, "read", counted)
    assert object_store
    with shared.zoo.transaction() as session:
        from tests.rest.served import a_model

        model = a_model(
            session, upload_sha256=digest, upload_bytes=len(data), filename="fox.pt2"
        ).id

    head = shared.client.head(f"/v1/models/{model}/content")

    assert head.headers["content-length"] == str(len(data))
    assert head.headers["ETag"] == f'"{hashlib.sha256(data).hexdigest()}"'
    assert sum(read) < len(data) / 2


def test_openapi_documents_head_beside_every_get(shared: Served, paths: dict[str, str]):
    document = shared.client.get("/openapi.json").json()

    for path, operations in document["paths"].items():
        if "get" not in operations or path.endswith("/events"):
            continue
        head = operations["head"]
        assert head["responses"].keys() == operations["get"]["responses"].keys()
        assert all("content" not in answer for answer in head["responses"].values())
        assert "Content-Length" in head["responses"]["200"]["headers"]
    uploads = document["paths"]["/v1/uploads/{upload_id}"]["head"]["responses"]["200"]["headers"]
    assert {"Upload-Offset", "Upload-Length"} <= uploads.keys()
    content = document["paths"]["/v1/models/{model_id}/content"]["head"]["responses"]
    assert "ETag" in content["200"]["headers"]
    assert "ETag" in content["304"]["headers"]


# Headers of HTTP itself and of every response.
_EVERYWHERE = {
    "content-security-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "referrer-policy",
    "content-length",
    "content-type",
    "date",
    "server",
    "trace-id",
    "transfer-encoding",
    "x-content-type-options",
}


@pytest.fixture(scope="module")
def everything(
    postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SeededZoo]:
    """A zoo that holds one of everything."""
    with seeded_zoo(postgres, tmp_path_factory.mktemp("everything")) as zoo:
        yield zoo


def test_openapi_documents_for_head_what_is_sent(everything: SeededZoo):
    document = everything.client.get("/openapi.json").json()
    images, clips = (everything.seed(label) for label in ("HEAD", "HEAD /clips"))
    heads = {path: operations["head"] for path, operations in document["paths"].items() if "head" in operations}  # fmt: skip
    problems = {}
    for path, head in heads.items():
        values = clips if "/clips" in path else images
        answer = everything.client.head(filled(path, values), params=query(head, values))
        problems[path] = list(differences(head["responses"], answer))

    assert len(heads) > 25
    assert {path: lines for path, lines in problems.items() if lines} == {}


def filled(path: str, values: dict[str, Any]) -> str:
    """The path with values of the zoo for its parameters."""
    return re.sub(r"\{(\w+)\}", lambda name: str(values[name[1]]), path)


def query(operation: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Values of the query's required parameters."""
    parameters = operation.get("parameters", ())
    required = [p["name"] for p in parameters if p["in"] == "query" and p.get("required")]
    return {name: values[name] for name in required}


def differences(responses: dict[str, Any], answer: httpx.Response) -> Iterator[str]:
    """What an answer has and the document lacks, and the reverse."""
    if answer.status_code != 200:
        yield f"status {answer.status_code}"
        return
    assert answer.content == b""
    documented = {name.lower(): header for name, header in responses["200"]["headers"].items()}
    media_type = answer.headers.get("content-type", "")
    pattern = documented.get("content-type", {"schema": {}})["schema"].get("pattern", "")
    if ("content-type" in documented) is not bool(media_type):
        yield f"the media type is {media_type!r}, and the document says otherwise"
    elif not re.search(pattern, media_type):
        yield f"the media type {media_type!r} does not match {pattern}"
    for name in answer.headers.keys() - documented.keys() - _EVERYWHERE:
        yield f"{name} is sent"
    for name, header in documented.items():
        if header.get("required") and name not in answer.headers:
            yield f"{name} is not sent"
