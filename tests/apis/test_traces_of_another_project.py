"""What one project stores is no help to another: its digests, page tokens, ETags and cached answers."""

import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from service.container import Zoo
from tests.apis.tenancy.answers import of_response
from tests.apis.tenancy.request_shapes import Ids
from tests.apis.tenancy.rest_operations import RestOperation, rest_operations
from tests.apis.tenancy.two_projects import SECRET, TwoProjects, two_projects


@pytest.fixture(scope="module")
def projects(shared_zoo: Zoo) -> Iterator[TwoProjects]:
    with two_projects(shared_zoo) as projects:
        yield projects


def reading(projects: TwoProjects, part: str, name: str) -> list[RestOperation]:
    """The operations that read and take a parameter with this name."""
    return [
        operation
        for operation in rest_operations(projects.rest)
        if not operation.changes and name in operation.schema["properties"][part]["properties"]
    ]


def response(
    operation: RestOperation, client: httpx.Client, ids: Ids, **extra: dict[str, Any]
) -> httpx.Response:
    """The response to the smallest request with these ids and some extra parameters."""
    request = operation.base(ids)
    for part, values in extra.items():
        request[part] |= values
    return operation.response(client, request)


def test_a_page_token_of_another_project_is_as_wrong_as_a_made_up_one(projects: TwoProjects):
    compared = 0
    for operation in reading(projects, "query", "page_token"):
        page = response(operation, projects.stranger, projects.strange, query={"page_size": 1})
        if operation.path.endswith("/clips"):  # the datasets of both projects have images
            assert page.json()["code"] == "dataset_has_images"
            continue
        lines = "ndjson" in page.headers["content-type"]
        token = page.headers.get("next-page-token") if lines else page.json()["next_page_token"]
        if token is None:
            continue

        stolen, made_up = (
            of_response(
                response(operation, projects.rest, projects.own, query={"page_token": value})
            )
            for value in (token, "A" * len(token))
        )

        assert stolen.refused
        assert stolen.form == made_up.form
        compared += 1
    assert compared > 4


def test_the_etag_of_another_project_proves_nothing(projects: TwoProjects):
    compared = 0
    for operation in reading(projects, "header", "If-None-Match"):
        etag = response(operation, projects.stranger, projects.strange).headers.get("etag")
        if etag is None:
            continue

        stolen, ghost = (
            of_response(response(operation, projects.rest, ids, header={"If-None-Match": etag}))
            for ids in (projects.strange, projects.ghosts)
        )

        assert stolen.refused
        assert stolen.form == ghost.form
        compared += 1
    assert compared > 4


def test_a_digest_gives_no_bytes_and_does_not_tell_whether_they_are_stored(projects: TwoProjects):
    stored = f"\x89PNG {SECRET}".encode()
    progress = []
    for data in (stored, b"x" * len(stored)):
        digest = hashlib.sha256(data).hexdigest()
        body = {"size": len(data), "sha256": digest, "filename": "a.png"}
        upload = projects.rest.post("/v1/uploads", json=body)
        path = f"/v1/uploads/{upload.json()['id']}"
        offset = projects.rest.head(path)
        made = {"upload_id": upload.json()["id"], "name": "a"}
        dataset = projects.rest.post("/v1/datasets", json=made)
        progress.append([of_response(item).form for item in (upload, offset, dataset)])
        assert dataset.json()["code"] == "upload_incomplete"

    assert progress[0] == progress[1]


def test_metrics_name_no_project_and_nothing_in_it(projects: TwoProjects):
    for operation in reading(projects, "path", "model_id"):
        response(operation, projects.stranger, projects.strange)

    text = projects.rest.get("/metrics").text

    assert SECRET not in text
    assert not [id_ for id_ in projects.strange.values() if id_ in text]
