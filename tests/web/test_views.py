"""Every view shows a real zoo: light and dark, wide and narrow, without a mistake in the console."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.web.browsing import Visitor

pytestmark = [pytest.mark.web, pytest.mark.slow]

VIEWS = {
    "models": "fox",
    "models/{model_id}": "Where it looks",
    "models/{model_id}?part=layers": "conv",
    "models/{model_id}?part=neighbors&probes={dataset_id}": "hen",
    "models/{model_id}?part=family": "hen",
    "models/{model_id}?part=accuracies": "50.0 %",
    "models/{model_id}?part=lineage": "lineage",
    "models/{model_id}?part=try": "Drop an image",
    "models/{model_id}?part=use": "torch.export.load",
    "datasets": "farm",
    "datasets/{dataset_id}": "cat",
    "datasets/{clips_id}?clip=0": "ni3 hao3",
    "rank?dataset={dataset_id}": "Cost",
    "rankings/{ranking_id}": "Start from",
    "map?dataset={dataset_id}": "Matrix",
    "layers": "Compare the layers",
    "layers/{selection_id}": "Layers of",
    "concepts": "Images of the concept",
    "concepts/{search_id}": "Units for",
    "jobs": "depara",
    "jobs/{job_id}": "Inputs and parameters",
    "jobs/new?method=knowledge_distillation": "Teachers",
    "compare?models={models}": "How near they are",
    "keys": "fuzz",
}
CHECKS = {
    "wider than the screen": "document.documentElement.scrollWidth <= innerWidth",
    "a picture without a text": "[...document.images].every((image) => image.alt !== null)",
}
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark and 360 pixels wide": {
        "color_scheme": "dark",
        "viewport": {"width": 360, "height": 740},
    },
}


def test_the_name_of_a_network_without_tags_is_in_the_middle_of_its_row(
    visit: Callable[..., Visitor],
):
    visitor = visit("models", **LOOKS["light"])
    visitor.sees("fox")

    distances = visitor.page.evaluate(
        """() => [...document.querySelectorAll(".zoo-table td.name")]
            .filter((cell) => !cell.querySelector(".tag"))
            .map((cell) => [cell, cell.querySelector("a")].map((node) => node.getBoundingClientRect()))
            .map(([cell, name]) => Math.abs(cell.y + cell.height / 2 - name.y - name.height / 2))"""
    )

    assert distances
    assert max(distances) < 3


@pytest.mark.parametrize("look", LOOKS)
def test_every_view_shows_what_it_is_for_without_a_barrier_and_starts_no_work(
    visit: Callable[..., Visitor], ids: dict[str, Any], look: str
):
    axe = pytest.importorskip("axe_playwright_python", reason="axe is not installed")
    script = (Path(axe.__file__).parent / "axe.min.js").read_text()
    visitor = visit(**LOOKS[look])
    faults = {}

    for view, text in VIEWS.items():
        visitor.go(view.format(**ids))
        visitor.sees(text)
        visitor.page.evaluate(script)
        faults[view] = [
            *(fault for fault, check in CHECKS.items() if not visitor.page.evaluate(check)),
            *barriers(visitor.page.evaluate("axe.run().then((result) => result.violations)")),
        ]

    assert {view: listed for view, listed in faults.items() if listed} == {}
    assert visitor.writes == []


def barriers(violations: list[dict[str, Any]]) -> list[str]:
    """The serious ones of what axe has found, with two places of each."""
    return [
        f"{violation['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for violation in violations
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"][:2]
    ]


def test_back_and_reload_return_to_a_state(visit: Callable[..., Visitor], ids: dict[str, Any]):
    visitor = visit("models")
    visitor.page.get_by_role("searchbox").fill("fox")
    visitor.page.get_by_role("link", name="fox").first.click()
    visitor.sees("Where it looks")

    visitor.page.go_back()
    visitor.page.locator(".zoo-table").wait_for()
    visitor.page.reload()

    visitor.page.locator(".zoo-table").wait_for()
    assert visitor.page.get_by_role("searchbox").input_value() == "fox"
    assert visitor.page.get_by_role("link", name="hen").count() == 0
