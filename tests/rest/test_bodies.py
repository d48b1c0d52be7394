"""No body costs more than its route allows, and no answer repeats what was sent."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from service.core.strict_json import SHORT
from tests.rest.served import MANIFEST, Served, a_model, archive

JSON = {"Content-Type": "application/json"}
MOST_ANSWER_BYTES = 128 * 1024
SHORT_ROUTES = ("/v1/uploads", "/v1/maps", "/v1/attributions", "/v1/keys")
LONG_ROUTES = (
    "/v1/models",
    "/v1/datasets",
    "/v1/jobs",
    "/v1/rankings",
    "/v1/accuracies",
    "/v1/layer-selections",
    "/v1/concept-searches",
)


@pytest.mark.parametrize("path", SHORT_ROUTES)
def test_a_short_body_has_64_kibibytes_at_most(shared: Served, path: str):
    long = json.dumps({"name": "x" * SHORT.size_bytes}).encode()

    answer = shared.client.post(path, content=long, headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer.json()["remedy"]


@pytest.mark.parametrize("path", LONG_ROUTES)
def test_a_body_with_long_lists_has_the_setting_as_its_limit(shared: Served, path: str):
    most = shared.zoo.settings.max_json_bytes
    longer = json.dumps({"name": "x" * SHORT.size_bytes}).encode()

    taken = shared.client.post(path, content=longer, headers=JSON)
    refused = shared.client.post(path, content=b" " * (most + 1), headers=JSON)

    assert (taken.status_code, taken.json()["code"]) == (422, "invalid_request")
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("path", [*SHORT_ROUTES, *LONG_ROUTES])
def test_an_unannounced_body_is_cut_off_while_it_arrives(shared: Served, path: str):
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 64 * 1024**2:
            sent += 1024**2
            yield b" " * 1024**2

    answer = shared.client.post(path, content=endless(), headers=JSON)

    assert answer.status_code == 413
    assert sent < 64 * 1024**2


@pytest.mark.parametrize("path", [*SHORT_ROUTES, *LONG_ROUTES])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"size": 1, "size": 2}', "repeated_key"),
        (b'{"size": NaN}', "number_out_of_range"),
        (b'{"size": 1e308}', "number_out_of_range"),
        (b'{"size": 1e-310}', "number_out_of_range"),
        (b"[" * 50 + b"]" * 50, "json_too_complex"),
        (json.dumps(dict.fromkeys(map(str, range(1001)))).encode(), "json_too_complex"),
        (b"{", "invalid_json"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_route_refuses_the_same_json(shared: Served, path: str, body: bytes, code: str):
    answer = shared.client.post(path, content=body, headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["remedy"]


def form_with(manifest: bytes) -> dict[str, Any]:
    return {
        "manifest": (None, manifest, "application/json"),
        "file": ("fox.pt2", archive(), "application/octet-stream"),
    }


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e308", b"1e-310", b"1e-45", b"1e999"])
@pytest.mark.parametrize("field", ["mean", "std", "range"])
def test_a_manifest_in_a_form_holds_no_odd_number(shared: Served, field: str, number: bytes):
    inner = b'{"height": 8, "width": 8, "%s": [%s, 1.0]}' % (field.encode(), number)
    manifest = b'{"name": "fox", "format": "pt2", "input": %s}' % inner

    answer = shared.client.post("/v1/models", files=form_with(manifest))

    assert (answer.status_code, answer.json()["code"]) == (422, "number_out_of_range")


def test_a_manifest_in_a_form_is_as_bounded_as_a_body(shared: Served):
    most = shared.zoo.settings.max_json_bytes

    long = shared.client.post("/v1/models", files=form_with(b" " * (most + 1)))
    twice = shared.client.post("/v1/models", files=form_with(b'{"name": "a", "name": "b"}'))

    assert (long.status_code, long.json()["code"]) == (413, "too_large")
    assert (twice.status_code, twice.json()["code"]) == (422, "repeated_key")


def test_many_wrong_fields_give_a_short_answer_with_the_count_of_the_rest(shared: Served):
    unknown = {f"field_{number}": 1 for number in range(900)}
    params = {"method": "depara", "inputs": {}, "params": unknown}

    top = shared.client.post("/v1/uploads", json=unknown)
    inside = shared.client.post("/v1/jobs", json=params)

    for answer, wrong in ((top, 901), (inside, 900)):
        problem = answer.json()
        assert answer.status_code == 422
        assert len(problem["errors"]) == 100
        assert problem["errors_omitted"] == wrong - 100
        assert len(answer.content) < MOST_ANSWER_BYTES


LISTS = {
    "/v1/accuracies": {"accuracies": [{"a": 1}] * 9_000},
    "/v1/rankings": {"target": {"model_id": "mdl_0"}, "candidates": {"model_ids": [1] * 90_000}},
    "/v1/layer-selections": {"source_model_id": "mdl_0", "layers": [1] * 90_000},
    "/v1/concept-searches": {"dataset_id": "dst_0", "candidates": {"model_ids": [1] * 90_000}},
    "/v1/models": {"name": "fox", "classes": [1] * 90_000},
    "/v1/datasets": {"name": "farm", "labels": [1] * 90_000},
    "/v1/jobs": {"method": "depara", "teachers": [1] * 90_000},
}


@pytest.mark.parametrize("path", LISTS)
def test_a_long_list_is_checked_up_to_its_first_invalid_item(shared: Served, path: str):
    answer = shared.client.post(path, json=LISTS[path])

    assert answer.status_code == 422
    # An item has few fields; one problem for each of them is few.
    assert len(answer.json()["errors"]) < 20


def test_a_long_key_or_value_is_not_repeated(shared: Served):
    long = "x" * 60_000

    unknown = shared.client.post("/v1/uploads", json={"size": 1, long: 1})
    model = {"target": {"model_id": long}, "probe_set_id": "dst_0"}
    wrong = shared.client.post("/v1/rankings", json=model)
    row = {"model": "mdl_0", "dataset": "x" * 200, "value": 0.5}
    named = shared.client.post("/v1/accuracies", json={"accuracies": [row] * 5_000})

    for answer in (unknown, wrong, named):
        assert answer.status_code == 422
        assert len(answer.content) < MOST_ANSWER_BYTES


def test_a_body_of_another_type_is_bounded_too(shared: Served):
    for path in (*SHORT_ROUTES, *LONG_ROUTES):
        answer = shared.client.post(path, content=bytes(17 * 1024**2))

        assert answer.status_code in (413, 422), path


def test_an_honest_manifest_still_makes_a_model(shared: Served):
    manifest = {**MANIFEST, "classes": [f"class number {i}" for i in range(20_000)]}

    answer = shared.client.post("/v1/models", files=form_with(json.dumps(manifest).encode()))

    assert answer.status_code == 201, answer.text


def test_a_page_of_large_items_ends_early_and_goes_on_by_its_token(served: Served):
    classes = [f"class number {i} of very many" for i in range(30_000)]
    with served.zoo.transaction() as session:
        made = [
            a_model(session, name=f"m{i}", manifest={**MANIFEST, "classes": classes}).id
            for i in range(8)
        ]

    pages, token = [], None
    while token is not None or not pages:
        params = {"page_size": 1000} | ({"page_token": token} if token else {})
        answer = served.client.get("/v1/models", params=params)
        pages.append(answer)
        token = answer.json()["next_page_token"]

    listed = [item["id"] for page in pages for item in page.json()["items"]]
    assert sorted(listed) == sorted(made)
    assert len(pages) > 1
    assert max(len(page.content) for page in pages) < 4 * 1024**2
