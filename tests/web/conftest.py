"""A browser, and a served zoo with one of everything and no worker."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from service.embedded.postgres import PrivatePostgres
from tests.rest.fuzz.seeds import SeededZoo, seeded_zoo
from tests.rest.served import a_set_of_clips
from tests.waiting import HANG_SECONDS
from tests.web.browsing import Visitor

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The distribution's Chromium; without it, or without Playwright, tests are skipped.

    It ends with its module: while Playwright drives it, an event loop runs in this thread, and no
    test of another file could call ``asyncio.run``.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine; install the distribution's package")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=arguments, timeout=1000 * HANG_SECONDS
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def seeded(
    postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SeededZoo]:
    """A zoo that holds one of everything."""
    with seeded_zoo(postgres, tmp_path_factory.mktemp("web")) as zoo:
        zoo.seed("GET")
        yield zoo


@pytest.fixture(scope="module")
def ids(seeded: SeededZoo) -> dict[str, Any]:
    """What addresses name; the ranking is ready."""
    values = seeded.seed("GET")
    models = ",".join(values["model_ids"])
    with seeded.zoo.transaction() as session:
        clips_id = a_set_of_clips(seeded.zoo, session).id
    return {
        **values,
        "ranking_id": a_ranking(seeded, values),
        "models": models,
        "clips_id": clips_id,
    }


def a_ranking(seeded: SeededZoo, values: Mapping[str, Any]) -> str:
    """The id of a ranking of the measured models, which is ready at once."""
    request = {
        "target": {"model_id": values["model_id"]},
        "probe_set_id": values["dataset_id"],
        "metric": "depara",
        "candidates": {"model_ids": values["model_ids"]},
    }
    ranking = seeded.client.post("/v1/rankings", json=request).json()
    assert ranking["state"] == "ready", ranking
    ranking_id: str = ranking["id"]
    return ranking_id


@pytest.fixture
def visit(browser: Any, seeded: SeededZoo) -> Iterator[Callable[..., Visitor]]:
    """Opens the page in a new browser context, signed in; what it logs is checked in the end."""
    with ExitStack() as stack:
        visitors = []

        def open_page(path: str = "models", *, token: str | None = None, **look: Any) -> Visitor:
            visitor = Visitor.arriving(browser, seeded, token or seeded.token, look)
            stack.callback(visitor.context.close)
            visitors.append(visitor)
            visitor.go(path)
            return visitor

        yield open_page
        for visitor in visitors:
            assert (visitor.mistakes, visitor.refusals) == ([], [])
