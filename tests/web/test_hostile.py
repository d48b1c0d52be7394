"""What others put into the zoo cannot run in the page, nor break it."""

from collections.abc import Callable
from typing import Any

import pytest

from service.container import Zoo
from service.core.ids import IdKind, new_id
from service.core.operations.access import keys
from service.core.tables import (
    ArtifactRecord,
    DatasetRecord,
    JobRecord,
    MapRecord,
    ModelRecord,
)
from tests.rest.fuzz.seeds import SeededZoo
from tests.rest.served import PROJECT, a_dataset, a_model, stored
from tests.web.browsing import Visitor
from tests.web.test_views import LOOKS, VIEWS

pytestmark = [pytest.mark.web, pytest.mark.slow]

# Longer than any name that the zoo takes.
MOST_LETTERS = 1000
RAN = "globalThis.ran = true"
HOSTILE = {
    "markup, a template and right to left": (
        f'<img src=x onerror="{RAN}"><script>{RAN}</script>'
        "${"
        + RAN
        + "} {{"
        + RAN
        + "}} javascript:"
        + RAN
        + "\u202egnp.exe \u2066\u0635\u0648\u0631\u0629"
    ),
    "ten thousand letters": "w" * 10_000,
}
DRAWING = f"""<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="{RAN}">
<script>{RAN}</script><foreignObject><img xmlns="http://www.w3.org/1999/xhtml" src="x" onerror="{RAN}"/></foreignObject>
</svg>""".encode()


def rename(zoo: Zoo, name: str) -> None:
    """Gives everything that has a name the same one, as if no check had refused it."""
    with zoo.transaction() as session:
        for model in session.query(ModelRecord):
            model.name, model.tags = name, [name]
            model.manifest = {**model.manifest, "license": name, "trained_on": name}
        for dataset in session.query(DatasetRecord):
            dataset.name, dataset.labels = name, [name, f"{name} 2"]
        for job in session.query(JobRecord):
            job.error = {"code": "method_failed", "detail": name, "remedy": name}
        for row in session.query(MapRecord):
            row.document = {**row.document, "names": [name] * len(row.document["names"])}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_name_is_a_text_in_every_view(
    visit: Callable[..., Visitor], seeded: SeededZoo, ids: dict[str, Any], kind: str
):
    rename(seeded.zoo, HOSTILE[kind])
    visitor = visit(**LOOKS["dark and 360 pixels wide"])
    broken = {}

    for view in VIEWS:
        visitor.go(view.format(**ids))
        visitor.page.locator(".skeleton").first.wait_for(state="detached")
        ran = visitor.page.evaluate("globalThis.ran === true")
        fits = visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if ran or not fits:
            broken[view] = {"ran": ran, "fits": fits}

    assert broken == {}
    assert visitor.writes == []
    # The page asks for accuracies by name, and no checked name is as long as this.
    lengths = [len(refusal) for refusal in visitor.refusals]
    assert all(length > MOST_LETTERS for length in lengths)
    visitor.refusals.clear()


def test_a_drawing_that_a_job_left_runs_nothing_when_it_is_opened(
    visit: Callable[..., Visitor], seeded: SeededZoo, ids: dict[str, Any]
):
    visitor = visit()
    digest = stored(seeded.zoo, DRAWING)
    artifact_id = new_id(IdKind.ARTIFACT)
    with seeded.zoo.transaction() as session:
        session.add(
            ArtifactRecord(
                id=artifact_id,
                project=PROJECT,
                job_id=ids["job_id"],
                name="drawing.svg",
                media_type="image/svg+xml",
                sha256=digest,
                size_bytes=len(DRAWING),
            )
        )
    path = f"{visitor.url}/v1/artifacts/{artifact_id}/content"

    answer = visitor.context.request.get(path)
    with visitor.page.expect_download():
        visitor.page.evaluate("(path) => { location.href = path; }", path)

    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["content-disposition"].startswith("attachment")
    assert visitor.page.evaluate("globalThis.ran") is None


def test_a_session_ends_in_the_open_page_when_its_key_is_revoked(
    visit: Callable[..., Visitor], seeded: SeededZoo
):
    with seeded.zoo.transaction() as session:
        key = keys.issue(session, project=PROJECT, name="stolen", scopes=["read"])
        a_model(session, name="lynx")
        a_dataset(seeded.zoo, session, name="moor")
    visitor = visit("models", token=key.token)
    visitor.page.get_by_text("lynx").first.wait_for()

    assert seeded.client.delete(f"/v1/keys/{key.record.id}").is_success
    # The page may notice before somebody asks for more.
    ended = visitor.page.get_by_text("Your session has ended.")
    visitor.page.get_by_role("link", name="Datasets").first.or_(ended).first.click()

    ended.wait_for()
    assert visitor.page.get_by_text("lynx").count() == 0
    assert {refusal.split()[0] for refusal in visitor.refusals} <= {"401"}
    visitor.refusals.clear()
