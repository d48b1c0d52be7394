"""Lists are searched, filtered, sorted by any field page by page, and counted by facets."""

from typing import Any

import pytest

from service.core.operations.lists import SizeClass
from tests.jobs.builders import a_job
from tests.rest.served import Served, a_dataset, a_model

MODELS: list[dict[str, Any]] = [
    {"name": "beta", "tags": ["farm", "small"], "upload_bytes": 5, "parameters": 30},
    {"name": "Alpha", "tags": ["farm"], "upload_bytes": 5_000_000, "parameters": None},
    {"name": "gamma", "state": "rejected", "upload_bytes": None, "parameters": 10},
    {"name": "delta", "task_kind": "segmentation", "upload_bytes": 2_000_000_000},
]


@pytest.fixture
def filled(served: Served) -> Served:
    """A zoo with four models."""
    with served.zoo.transaction() as session:
        for values in MODELS:
            a_model(session, **values)
    return served


def listed(served: Served, query: str, path: str = "models") -> dict[str, Any]:
    answer = served.client.get(f"/v1/{path}?{query}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def names(served: Served, query: str, path: str = "models") -> list[str]:
    return [item["name"] for item in listed(served, query, path)["items"]]


def facets(body: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {
        facet["name"]: {value["value"]: value["count"] for value in facet["values"]}
        for facet in body["facets"]
    }


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("created_at", ["beta", "Alpha", "gamma", "delta"]),
        ("-created_at", ["delta", "gamma", "Alpha", "beta"]),
        ("name", ["Alpha", "beta", "delta", "gamma"]),
        ("-name", ["gamma", "delta", "beta", "Alpha"]),
        ("-size", ["delta", "Alpha", "beta", "gamma"]),
        ("parameters", ["Alpha", "delta", "gamma", "beta"]),
    ],
)
def test_models_sort_by_a_field_and_pages_of_one_give_the_same_order(
    filled: Served, sort: str, expected: list[str]
):
    paged: list[str] = []
    token = ""
    for _ in expected:
        body = listed(filled, f"sort={sort}&page_size=1{token}")
        paged += [item["name"] for item in body["items"]]
        token = f"&page_token={body['next_page_token']}"

    assert names(filled, f"sort={sort}") == expected
    assert paged == expected
    assert body["next_page_token"] is None


def test_a_page_after_a_name_in_any_script_starts_where_the_last_one_ended(served: Served):
    with served.zoo.transaction() as session:
        for letter in "éßж":
            a_model(session, name=letter * 200)

    first = listed(served, "sort=name&page_size=2")
    rest = listed(served, f"sort=name&page_token={first['next_page_token']}")

    assert len({model["id"] for model in [*first["items"], *rest["items"]]}) == 3


def test_a_token_fits_only_the_sort_it_was_made_for(filled: Served):
    token = listed(filled, "sort=name&page_size=1")["next_page_token"]

    answer = filled.client.get(f"/v1/models?sort=-name&page_token={token}")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_page_token")


def test_every_word_of_a_search_is_found_in_any_described_field(filled: Served):
    assert names(filled, "q=FARM%20small") == ["beta"]
    assert names(filled, "q=segm") == ["delta"]
    assert names(filled, "q=farm%20segmentation") == []


def test_counts_come_only_when_they_are_included(filled: Served):
    plain = listed(filled, "")
    total = listed(filled, "include=total&page_size=1&tag=farm")

    assert (plain["total"], plain["facets"]) == (None, None)
    assert (total["total"], len(total["items"]), total["facets"]) == (2, 1, None)


def test_a_facet_ignores_its_own_filter_but_no_other(filled: Served):
    counted = facets(listed(filled, "include=facets&task=classification&state=ready"))

    assert counted == {
        "state": {"ready": 2, "rejected": 1},
        "task": {"classification": 2, "segmentation": 1},
        "tag": {"farm": 2, "small": 1},
        "size": {"up_to_1_mb": 1, "up_to_10_mb": 1},
    }


def test_every_value_of_a_facet_is_a_filter_that_lists_as_many(filled: Served):
    for name, values in facets(listed(filled, "include=facets")).items():
        for value, count in values.items():
            assert len(names(filled, f"{name}={value}")) == count


def test_the_classes_of_sizes_meet_without_gap(served: Served):
    edges = [1, 1_000_000, 1_000_001, 10_000_000, 100_000_000, 1_000_000_000, 1_000_000_001]
    with served.zoo.transaction() as session:
        for size in edges:
            a_model(session, upload_bytes=size)

    counted = facets(listed(served, "include=facets"))["size"]

    assert [counted[size] for size in SizeClass] == [2, 2, 1, 1, 1]


def test_datasets_are_searched_sorted_and_counted(served: Served):
    tagged = {"name": "farm", "tags": ["animals"]}
    with served.zoo.transaction() as session:
        a_dataset(served.zoo, session, name="farm", manifest=tagged, images=9)
        a_dataset(served.zoo, session, name="city", labels=["tram", "bus"], images=None)

    body = listed(served, "include=total&include=facets&sort=-images", "datasets")

    assert [item["name"] for item in body["items"]] == ["farm", "city"]
    assert body["total"] == 2
    assert facets(body) == {
        "state": {"ready": 2},
        "kind": {"images": 2},
        "tag": {"animals": 1},
        "size": {"up_to_1_mb": 2},
    }
    assert names(served, "q=tram", "datasets") == ["city"]
    assert names(served, "tag=animals", "datasets") == ["farm"]


def test_jobs_are_searched_sorted_and_counted(served: Served):
    with served.zoo.transaction() as session:
        for dataset_id in ("dst_1", "dst_9"):
            a_dataset(served.zoo, session, id=dataset_id)
        first = a_job(session, inputs={"dataset_id": "dst_9"})
        a_job(session, inputs={"dataset_id": "dst_1"})

    body = listed(served, "include=total&include=facets&sort=method", "jobs")
    matched = listed(served, "q=dst_9", "jobs")["items"]

    assert (body["total"], len(body["items"])) == (2, 2)
    assert facets(body) == {"state": {"queued": 2}, "method": {"dataset_ingestion": 2}}
    assert [job["id"] for job in matched] == [first.id]


@pytest.mark.parametrize("path", ["models", "datasets", "jobs"])
@pytest.mark.parametrize("query", ["sort=color", "include=sum", "size=big", "colour=red"])
def test_what_a_list_does_not_know_is_refused(served: Served, path: str, query: str):
    answer = served.client.get(f"/v1/{path}?{query}")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_models_are_listed_by_their_ids_page_by_page(filled: Served):
    ids = {item["name"]: item["id"] for item in listed(filled, "")["items"]}
    chosen = f"ids={ids['beta']}&ids={ids['delta']}&ids=mdl_01ARZ3NDEKTSV4RRFFQ69G5FAV"

    first = listed(filled, f"{chosen}&page_size=1&include=total")
    second = listed(filled, f"{chosen}&page_size=1&page_token={first['next_page_token']}")

    assert (first["total"], first["items"][0]["name"]) == (2, "delta")
    assert [item["name"] for item in second["items"]] == ["beta"]
