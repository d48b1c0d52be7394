"""Ten thousand models: no form loads them all, and a map of all of them is drawn."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from service.core.clock import now
from service.core.ids import IdKind, new_id
from service.core.operations.access import keys
from service.core.tables import ModelRecord
from tests.rest.fuzz.seeds import SeededZoo
from tests.rest.served import MANIFEST, a_dataset
from tests.web.browsing import Visitor

CROWD = "crowd"
COUNT = 10_000
CLUSTERS = 20
# Every form knows how many models there are, finds what is typed, and names what is chosen.
MOST_LISTS = 8
MOST_MODELS = 60
FORMS = {
    "rank?kind=model": "Network",
    "rank?who=chosen": "Candidates",
    "layers": "Network",
    "compare": "Models to compare",
    "jobs/new?method=knowledge_distillation": "Teachers",
}

pytestmark = [pytest.mark.web, pytest.mark.slow]


@pytest.fixture(scope="module")
def crowd(seeded: SeededZoo) -> str:
    """A key of a project with ten thousand models, which no other test sees."""
    start = now() - timedelta(days=30)
    rows = [
        {
            "id": new_id(IdKind.MODEL),
            "project": CROWD,
            "name": f"network {number:05}",
            "state": "ready",
            "task_kind": "classification",
            "manifest": {**MANIFEST, "name": f"network {number:05}"},
            "parameters": number,
            "tags": ["even" if number % 2 == 0 else "odd"],
            "layers": [],
            "problems": [],
            "created_at": start + timedelta(seconds=number),
        }
        for number in range(COUNT)
    ]
    with seeded.zoo.transaction() as session:
        session.execute(insert(ModelRecord), rows)
        a_dataset(seeded.zoo, session, project=CROWD)
        return keys.issue(
            session, project=CROWD, name="crowd", scopes=["read", "write", "jobs"]
        ).token


def test_ten_thousand_models_are_searched_and_sorted_with_few_rows(
    visit: Callable[..., Visitor], crowd: str
):
    page = visit("models?sort=-parameters", token=crowd).page

    page.get_by_text("network 09999").wait_for()
    page.get_by_text("10,000 models").wait_for()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.get_by_text("network 09949").wait_for()
    rows_at_once = page.locator(".zoo-table tbody tr").count()
    page.get_by_role("button", name="Parameters").click()
    page.get_by_text("network 00000").wait_for()
    page.get_by_role("searchbox").fill("network 01234")

    page.get_by_text("1 model matches").wait_for()
    assert rows_at_once < 200
    assert page.locator(".zoo-table tbody tr").count() == 1


@pytest.mark.parametrize("form", FORMS)
def test_a_form_searches_the_zoo_instead_of_loading_it(
    visit: Callable[..., Visitor], crowd: str, form: str
):
    visitor = visit("jobs", token=crowd)
    page = visitor.page
    lists: list[int] = []

    def count(response: Any) -> None:
        if "/v1/models?" in response.url:
            lists.append(len(response.json()["items"]))

    page.on("response", count)
    visitor.go(form)
    field = page.get_by_role("combobox", name=FORMS[form]).first
    field.click()
    page.get_by_role("listbox").get_by_role("option").first.wait_for()
    field.fill("network 01234")
    page.get_by_role("listbox").get_by_role("option", name="network 01234").wait_for()
    page.keyboard.press("Enter")

    page.locator(".picked").get_by_text("network 01234").wait_for()
    page.get_by_role("listbox").get_by_role("option").first.wait_for(state="hidden")
    assert len(lists) <= MOST_LISTS, lists
    assert sum(lists) <= MOST_MODELS, lists


def test_a_map_of_ten_thousand_networks_says_what_its_numbers_are(
    visit: Callable[..., Visitor], ids: dict[str, Any]
):
    visitor = visit()
    visitor.page.route(
        f"**/v1/maps/{ids['dataset_id']}?*",
        lambda route: route.fulfill(json={**route.fetch().json(), "document": a_large_map()}),
    )
    visitor.page.route("**/snapshots/**", answer_with_matrix)
    visitor.go(f"map?dataset={ids['dataset_id']}")

    visitor.sees("10,000 networks")
    visitor.sees("Positions, clusters and the matrix are estimated from")
    visitor.sees("Each network is placed by its distances to 400 networks")
    visitor.page.get_by_role("img", name="Plane of 10000 networks").wait_for()
    visitor.page.get_by_role("combobox", name="Cluster").select_option("3")

    visitor.page.locator("canvas").nth(1).wait_for()
    assert visitor.page.get_by_role("heading", name="Tree").count() == 0
    assert visitor.page.locator(".twin tbody tr").count() <= 400


def answer_with_matrix(route: Any) -> None:
    """A matrix of as many networks as a request names, at most 400."""
    indices = route.request.url.count("indices=")
    assert 0 < indices <= 400
    scores = [
        [1.0 if row == column else 0.5 for column in range(indices)] for row in range(indices)
    ]
    route.fulfill(body=json.dumps({"document": {"matrices": {"score": scores}}}))


def a_large_map() -> dict[str, Any]:
    """The document of a map from sketches."""
    numbers = range(COUNT)
    return {
        "models": [f"mdl_{number}" for number in numbers],
        "names": [f"network {number}" for number in numbers],
        "tasks": ["classification"] * COUNT,
        "tree": None,
        "sketches": {"landmarks": 400, "largest_error": 0.101},
        "clusters": [number % CLUSTERS for number in numbers],
        "typical": list(range(CLUSTERS)),
        "neighbors": [[]] * COUNT,
        "points": [[number % 101, number // 101] for number in numbers],
        "stress": 0.3,
        "left_out": [],
        "families": [None] * COUNT,
        "params": {},
    }
