"""Odd supports of a few-shot learner get the same answer, or refusal, over every API."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from PIL import Image

from tests.predictions.every_api import BLUE, DARK_RED, GREEN, RED, EveryApi, Example
from tests.predictions.test_few_shot import Overflowing, a_learner
from tests.predictions.test_predictions import a_picture

Body = dict[str, Any]


def a_gray_picture() -> bytes:
    """A white picture of one channel."""
    file = io.BytesIO()
    Image.new("L", (20, 20), 255).save(file, "PNG")
    return file.getvalue()


@dataclass(frozen=True)
class AnsweredSupport:
    """An odd request that is answered; support images are in the order of their labels."""

    support: list[Example]
    holds: Callable[[Body], bool]
    queries: list[bytes] = field(default_factory=lambda: [DARK_RED])


SHADES = [a_picture(f"#{value:02x}0000") for value in range(210, 216)]
BMP = io.BytesIO()
Image.open(io.BytesIO(RED)).save(BMP, "BMP")
EDGES: Mapping[str, AnsweredSupport] = {
    "one image each": AnsweredSupport(
        [(RED, "a"), (BLUE, "b")],
        lambda body: [about["spread"] for about in body["classes"]] == [None, None],
    ),
    "uneven classes": AnsweredSupport(
        [*((shade, "a") for shade in SHADES), (BLUE, "b")],
        lambda body: body["notes"] == ["classes have 1 to 6 images"],
    ),
    "one class": AnsweredSupport(
        [(RED, "a")],
        lambda body: (
            body["items"][0]["classes"][0]["probability"] == 1
            and body["items"][1]["outside"]
            and body["notes"] == ["there is one class, so there is nothing to choose between"]
        ),
        queries=[DARK_RED, BLUE],
    ),
    "outer spaces, case, scripts": AnsweredSupport(
        [(RED, " 赤 "), (BLUE, "A"), (GREEN, "a"), (SHADES[0], "赤")],
        lambda body: [about["name"] for about in body["classes"]] == ["赤", "A", "a"],
    ),
    "one picture twice": AnsweredSupport(
        [(RED, "a"), (BMP.getvalue(), "a"), (BLUE, "b")],
        lambda body: (
            (body["classes"][0]["shots"], body["classes"][0]["distinct"]) == (2, 1)
            and body["notes"] == ["support image 1 equals image 0 and counts once"]
        ),
    ),
    "query in the support": AnsweredSupport(
        [(RED, "a"), (BLUE, "b")],
        lambda body: body["notes"] == ["image 1 is also a support image"],
        queries=[DARK_RED, BLUE],
    ),
    "gray query": AnsweredSupport(
        [(RED, "a"), (a_picture("white"), "b")],
        lambda body: body["items"][0]["classes"][0]["name"] == "b",
        queries=[a_gray_picture()],
    ),
}


@dataclass(frozen=True)
class RefusedSupport:
    """An odd request that is refused: its code, and the fields and options that are to blame."""

    code: str
    support: list[Example]
    pointer: str | None = "/support"
    option: str | None = "--support"
    queries: list[bytes] = field(default_factory=lambda: [DARK_RED])


FAULTS: Mapping[str, RefusedSupport] = {
    "blank label": RefusedSupport("support_labels_mismatch", [(RED, " ")], "/support_labels"),
    "long label": RefusedSupport("support_labels_mismatch", [(RED, "x" * 201)], "/support_labels"),
    "too many images": RefusedSupport("invalid_support_count", [(RED, "a")] * 1001),
    "too many queries": RefusedSupport(
        "invalid_image_count", [(RED, "a")], "/images", "FILES", [DARK_RED] * 65
    ),
}


@pytest.fixture(scope="module")
def learner(apis: EveryApi) -> str:
    return a_learner(apis.zoo, apis.folder)


@pytest.mark.parametrize("edge", EDGES)
def test_an_odd_support_is_answered_alike_over_every_api(
    apis: EveryApi, learner: str, edge: str
) -> None:
    answers = apis.answers(learner, EDGES[edge].queries, EDGES[edge].support)

    assert EDGES[edge].holds(answers["rest"]), answers["rest"]
    for name, answer in answers.items():
        assert answer == answers["rest"], name


@pytest.mark.parametrize("fault", FAULTS)
def test_an_odd_request_is_refused_alike_over_every_api(
    apis: EveryApi, learner: str, fault: str
) -> None:
    wrong = FAULTS[fault]

    refusals = apis.refusals(learner, wrong.support, {}, queries=wrong.queries)

    assert refusals == {
        **dict.fromkeys(("rest", "grpc", "client"), (wrong.code, wrong.pointer)),
        "cli": (wrong.code, wrong.option),
    }


def test_features_that_are_no_numbers_fail_over_every_api(apis: EveryApi) -> None:
    model = a_learner(apis.zoo, apis.folder, Overflowing())

    refusals = apis.refusals(model, [(RED, "a"), (BLUE, "b")], {}, queries=[RED])

    assert refusals == dict.fromkeys(
        ("rest", "grpc", "client", "cli"), ("prediction_failed", None)
    )
