"""What people do on the page: sign in, search, choose by keyboard, and what happens when something breaks."""

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from service.core.operations.access import keys
from service.core.operations.rankings.completion import add_warnings
from service.core.tables import DatasetRecord, RankingRecord
from tests.rest.fuzz.seeds import SeededZoo
from tests.rest.served import (
    MANIFEST,
    PICTURES,
    PROJECT,
    a_dataset,
    a_model,
    archive,
    some_responses,
)
from tests.waiting import HANG_SECONDS, eventually
from tests.web.browsing import Visitor, new_context
from tests.web.conftest import a_ranking

CHANGING = {"Add", "Cancel", "Delete", "Fine-tune", "Measure", "New", "Retry", "Run", "Tag"}

pytestmark = [pytest.mark.web, pytest.mark.slow]


def test_a_one_time_link_signs_in_and_leaves_the_address(browser: Any, seeded: SeededZoo):
    link = seeded.client.post("/v1/sign-in-links").json()["url"]
    first, second = new_context(browser).new_page(), new_context(browser).new_page()

    first.goto(link)
    first.get_by_role("heading", name="Zoo", exact=True).wait_for()
    second.goto(link)

    second.get_by_text("The link was used before").wait_for()
    for page in (first, second):
        assert "zoo_link" not in page.url
        page.context.close()


def test_a_key_signs_in_and_signing_out_forgets_it(browser: Any, seeded: SeededZoo):
    context = new_context(browser)
    page = context.new_page()
    page.goto(seeded.url)
    page.get_by_label("API key").fill(seeded.token)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Zoo", exact=True).wait_for()

    page.get_by_role("button", name="fuzz").click()
    page.get_by_role("button", name="Sign out").click()

    page.get_by_text("You are signed out.").wait_for()
    page.reload()
    page.get_by_label("API key").wait_for()
    assert context.cookies() == []
    context.close()


def test_a_key_that_only_reads_sees_everything_and_no_button_that_it_cannot_use(
    visit: Callable[..., Visitor], seeded: SeededZoo, ids: dict[str, Any]
):
    with seeded.zoo.transaction() as session:
        key = keys.issue(session, project=PROJECT, name="reader", scopes=["read"])
    visitor = visit(token=key.token)

    for view, text in {
        "models": "fox",
        f"models/{ids['model_id']}": "Where it looks",
        f"datasets/{ids['dataset_id']}": "cat",
        f"rankings/{ids['ranking_id']}": "Start from",
        f"jobs/{ids['job_id']}": "Inputs and parameters",
        "rank": "Your key can read only",
        "jobs/new": "Your key can read only",
        "keys": "Your key cannot manage keys",
    }.items():
        visitor.go(view)
        visitor.sees(text)
        first_words = {
            name.strip().split(" ")[0]
            for name in visitor.page.get_by_role("button").all_inner_texts()
        }
        assert first_words.isdisjoint(CHANGING), (view, first_words)


def test_a_ranking_says_where_to_start_and_what_makes_it_doubtful(
    visit: Callable[..., Visitor], seeded: SeededZoo, ids: dict[str, Any]
):
    ranking_id = a_ranking(seeded, ids)
    doubt = {"code": "doubtful", "detail": "the images look alike", "remedy": "add other images"}
    with seeded.zoo.transaction() as session:
        add_warnings(session.get_one(RankingRecord, ranking_id), [doubt])

    visitor = visit(f"rankings/{ranking_id}")

    for text in ("Start from", "The images look alike", "Add other images"):
        visitor.sees(text)


def test_everything_is_reached_by_keyboard(visit: Callable[..., Visitor]):
    visitor = visit("models")
    page = visitor.page
    page.locator(".zoo-table tbody tr").first.wait_for()

    page.keyboard.press("/")
    page.locator("input[type=search]:focus").wait_for()
    page.keyboard.type("fox")
    # Each step on its own: a failure says which one was lost, a key, a letter or the answer.
    page.wait_for_url("**/#/models?q=fox", wait_until="commit")
    # Other tests may have added networks whose names match, too.
    page.get_by_text(re.compile(r"^\d+ models? match")).wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("x")
    chosen = page.get_by_role("region", name="Selected models")
    chosen.wait_for()
    page.keyboard.press("Escape")
    chosen.wait_for(state="detached")
    # The time between two keys of a pair is the visitor's, not that of a busy machine.
    page.clock.set_fixed_time(0)
    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_text("Go to the map").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("j")
    page.get_by_role("heading", name="Jobs").wait_for()
    page.keyboard.press("g")
    page.keyboard.press("z")

    page.get_by_role("heading", name="Zoo", exact=True).wait_for()


def test_an_error_shows_its_remedy_and_can_be_tried_again(visit: Callable[..., Visitor]):
    visitor = visit("datasets")
    problem = {"code": "broken", "detail": "the disk is full", "remedy": "free some space"}
    failing = [True]

    def answer(route: Any) -> None:
        if failing:
            route.fulfill(status=507, body=json.dumps(problem))
        else:
            route.continue_()

    visitor.page.route("**/v1/datasets?*", answer)
    visitor.go("datasets")
    visitor.sees("The disk is full")
    visitor.sees("Free some space")
    failing.clear()
    visitor.page.get_by_role("button", name="Try again").click()

    visitor.sees("farm")


def test_a_lost_connection_is_announced_and_the_page_recovers_by_itself(
    visit: Callable[..., Visitor],
):
    visitor = visit("models")
    visitor.page.locator(".zoo-table").wait_for()

    visitor.context.set_offline(True)
    visitor.page.get_by_role("link", name="Jobs").click()
    visitor.sees("The zoo does not answer.")
    visitor.context.set_offline(False)

    visitor.page.get_by_text("The zoo does not answer.").first.wait_for(state="detached")
    visitor.sees("depara")


def test_a_view_whose_module_was_lost_on_its_way_is_asked_for_again(
    visit: Callable[..., Visitor],
):
    visitor = visit("models")
    asked: list[str] = []

    def answer(route: Any) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.abort()
        else:
            route.continue_()

    visitor.page.route("**/js/views/jobs.js", answer)
    visitor.page.get_by_role("link", name="Jobs").click()

    visitor.sees("depara")


def test_what_changes_elsewhere_appears_by_itself_also_after_a_lost_connection(
    visit: Callable[..., Visitor], seeded: SeededZoo
):
    visitor = visit("models")
    visitor.page.locator(".zoo-table").wait_for()

    with seeded.zoo.transaction() as session:
        a_model(session, name="newcomer")
    visitor.sees("newcomer")
    visitor.context.set_offline(True)
    with seeded.zoo.transaction() as session:
        a_model(session, name="latecomer")
    visitor.context.set_offline(False)

    visitor.sees("latecomer")


def test_the_events_of_a_job_continue_after_a_break(
    visit: Callable[..., Visitor], ids: dict[str, Any]
):
    visitor = visit("jobs")
    asked: list[str] = []

    def answer(route: Any) -> None:
        asked.append(route.request.headers["last-event-id"])
        if len(asked) == 1:
            route.abort()
        else:
            route.continue_()

    visitor.page.route("**/jobs/*/events", answer)
    visitor.go(f"jobs/{ids['job_id']}")
    visitor.page.get_by_text("Log").click()

    visitor.page.locator(".log tr").first.wait_for()
    eventually(lambda: len(asked) >= 2)


def test_an_upload_resumes_where_the_connection_broke(visit: Callable[..., Visitor]):
    visitor = visit("models")
    page = visitor.page
    page.locator(".zoo-table").wait_for()
    parts: list[str] = []

    def answer(route: Any) -> None:
        if route.request.method == "PATCH":
            parts.append(route.request.headers["upload-offset"])
            if len(parts) == 1:
                route.abort()
                return
        route.continue_()

    page.route("**/v1/uploads/*", answer)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add a model or images").click()
    chooser.value.set_files(
        {"name": "badger.pt2", "mimeType": "application/octet-stream", "buffer": archive()}
    )
    page.get_by_label("Height").fill("8")
    page.get_by_label("Width").fill("8")
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()

    page.get_by_text("The zoo checks the file in a sandbox").wait_for()
    assert len(parts) == 2


def test_a_field_that_the_api_refuses_is_marked(visit: Callable[..., Visitor]):
    visitor = visit("jobs/new?method=knowledge_distillation")
    page = visitor.page

    page.get_by_role("combobox", name="Teachers").fill("fox")
    page.get_by_role("listbox").get_by_role("option", name="fox").first.click()
    page.get_by_label("Dataset required").select_option(index=1)
    page.get_by_label("Learning rate").fill("0")
    page.get_by_role("button", name="Run").click()

    page.locator(".field .wrong").first.wait_for()
    assert visitor.refusals == ["422 POST /v1/jobs"]
    visitor.refusals.clear()


def test_a_stylizer_paints_a_picture_in_the_styles_that_it_is_given(
    visit: Callable[..., Visitor], seeded: SeededZoo
):
    stylizer = {"network": "din", "width": 16}
    manifest = {**MANIFEST, "task": {"kind": "stylization", "text": ""}, "stylizer": stylizer}
    with seeded.zoo.transaction() as session:
        model = a_model(
            session, name="brush", manifest=manifest, task_kind="stylization", output_kind="map"
        )
        model_id = model.id
    image = {"name": "waves.png", "mimeType": "image/png", "buffer": PICTURES[0]}
    asked: list[Any] = []

    def answer(route: Any) -> None:
        asked.append(route.request)
        route.fulfill(body=PICTURES[1], content_type="image/png")

    visitor = visit(f"models/{model_id}?part=try")
    page = visitor.page
    page.route("**:predict?*", answer)
    page.get_by_label("Picture to paint").set_input_files([image])
    page.get_by_label("Styles", exact=True).set_input_files(
        [image, {**image, "name": "field.png"}]
    )
    page.get_by_role("button", name="Paint", exact=True).click()
    page.get_by_role("img", name="Painted: field.png").wait_for()
    page.get_by_role("button", name="All in one picture").click()
    page.get_by_label("Weight of field.png").fill("0.25")
    page.get_by_role("button", name="From your picture").click()
    page.get_by_role("button", name="Paint", exact=True).click()

    page.get_by_role("img", name="Painted: 2 styles in one picture").wait_for()
    each, other, mixed = asked
    assert "style_weights" not in each.url + other.url
    assert "style_weights=1&style_weights=0.25" in mixed.url
    assert "preserve_color=chroma" in mixed.url
    assert visitor.writes == [f"POST {request.url}" for request in asked]


def test_a_concept_is_searched_from_a_dataset(
    visit: Callable[..., Visitor], seeded: SeededZoo, ids: dict[str, Any]
):
    with seeded.zoo.transaction() as session:
        probes = session.get_one(DatasetRecord, ids["dataset_id"])
        model = a_model(session, name="owl", output_kind="vector")
        some_responses(seeded.zoo, session, model, probes)
        concept = a_dataset(seeded.zoo, session, name="cats").id
    visitor = visit(f"concepts?dataset={concept}&probes={ids['dataset_id']}")

    visitor.page.get_by_role("button", name="Search the zoo").click()

    visitor.page.get_by_role("heading", name="Units for cats").wait_for()
    visitor.sees("Watch the job")
    assert visitor.writes == [f"POST {visitor.url}/v1/concept-searches"]


def test_a_dataset_of_clips_lists_what_is_said_in_them(
    visit: Callable[..., Visitor], ids: dict[str, Any]
):
    clips = ids["clips_id"]
    visitor = visit("datasets")
    page = visitor.page

    visitor.sees("2 clips")
    visitor.go(f"datasets/{clips}")
    rows = page.locator(".clips tbody tr")
    rows.nth(1).get_by_role("link", name="b.mkv").wait_for()
    assert [cell.inner_text() for cell in rows.nth(1).get_by_role("cell").all()[2:]] == [
        "你好\nni3 hao3",
        "–",
        "1.2 s",
        "without audio",
    ]
    rows.nth(0).get_by_role("link", name="a.mp4").click()
    with page.expect_response(lambda response: response.url.endswith("/clips/0/mel")) as sound:
        page.reload()
    page.get_by_role("img", name="Middle frame of a.mp4 with the part that is read").wait_for()
    page.get_by_role("img", name="Sound of a.mp4").wait_for()
    assert sound.value.ok

    visitor.go(f"datasets/{clips}?clip=5")
    visitor.sees("There is no clip at this position")
    for view, label in (("map", "Probe set"), ("jobs/new?method=depara", "Dataset")):
        visitor.go(view)
        options = page.get_by_role("combobox", name=label).locator("option[value^=dst_]")
        options.first.wait_for(state="attached")
        assert clips not in [option.get_attribute("value") for option in options.all()]


def test_chosen_clips_become_a_dataset_of_clips_with_their_transcripts(
    visit: Callable[..., Visitor],
):
    visitor = visit("datasets")
    page = visitor.page
    page.get_by_role("searchbox").wait_for()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add images or clips").click()
    clip = {"name": "a.mp4", "mimeType": "video/mp4", "buffer": b"a clip"}
    words = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"}
    chooser.value.set_files([clip, words])
    visitor.sees("Add 2 files as a dataset")
    page.get_by_role("textbox", name="Name").fill("chosen clips")

    with page.expect_response("**/v1/datasets") as created:
        page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()

    assert created.value.status == 201, created.value.text()
    assert created.value.json()["kind"] == "clips"


def test_a_ranking_is_not_offered_for_images_with_masks(
    visit: Callable[..., Visitor], seeded: SeededZoo, ids: dict[str, Any]
):
    with seeded.zoo.transaction() as session:
        masks = a_dataset(seeded.zoo, session, name="streets", label_kind="mask").id
    visitor = visit("rank")

    visitor.sees("Cost")
    targets = visitor.page.get_by_role("combobox", name="Dataset").get_by_role("option")
    assert masks not in [option.get_attribute("value") for option in targets.all()]
    visitor.go(f"datasets/{masks}")
    visitor.sees("Use as probe set")


def test_a_map_colored_by_tag_asks_for_its_own_networks_alone(
    visit: Callable[..., Visitor], ids: dict[str, Any]
):
    visitor = visit("jobs")
    lists: list[str] = []
    visitor.page.on(
        "request", lambda request: "/v1/models?" in request.url and lists.append(request.url)
    )

    visitor.go(f"map?dataset={ids['dataset_id']}&color=tag")

    visitor.page.locator(".legend li").filter(has_text="none").wait_for()
    assert lists
    assert all("ids=" in url for url in lists)


def test_a_reader_of_clips_is_offered_only_what_it_can_do(
    visit: Callable[..., Visitor], ids: dict[str, Any]
):
    reader = ids["model_id"]
    visitor = visit("datasets")
    page = visitor.page
    page.route("**/v1/models**", partial(with_readers, "fox"))

    visitor.go(f"models/{reader}?part=look")
    visitor.sees("sound of clips")
    visitor.sees("Drop a clip")
    assert page.get_by_role("navigation", name="Parts").get_by_role("link").all_inner_texts() == [
        "Try it",
        "Accuracies",
        "Lineage",
        "Use it",
    ]
    assert page.get_by_role("link", name="Rank for it").count() == 0
    page.get_by_role("link", name="Use it").click()
    visitor.sees("zooscope predict")
    for view, label in (("rank?kind=model", "Network"), ("layers", "Network")):
        visitor.go(view)
        page.get_by_role("combobox", name=label).first.click()
        page.get_by_role("option").first.wait_for()
        offered = page.locator(".picker [role=option], .picked").all_inner_texts()
        assert any(text.startswith("hen") for text in offered)
        assert not any(text.startswith("fox") for text in offered)


def with_readers(name: str, route: Any) -> None:
    """Answer as the zoo does, but with the models of this name as readers of clips."""
    response = route.fetch(timeout=1000 * HANG_SECONDS)
    content = response.json() if response.ok else {}
    for model in content.get("items", [content]):
        if model.get("name") == name:
            model.update(input=None, reader={"modality": "audio", "tokens": 30})
    route.fulfill(response=response, json=content)
