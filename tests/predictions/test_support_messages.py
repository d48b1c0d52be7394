"""A support travels with its request, and a response must speak of every class and image of it."""

from dataclasses import replace
from typing import Any

import pytest

from service.core.errors import InvalidRequestError
from service.core.frames import pack, unpack
from service.core.manifest import TaskKind
from service.core.predict_messages import (
    ForwardPass,
    OutputKind,
    PredictRequest,
    PredictResponse,
    Support,
    SupportFacts,
)

HEAD = {"units": 3, "prior": 1.0, "scale": 2.0, "outside_distance": 3.0}
REQUEST = PredictRequest(
    id="0" * 26,
    forward_pass=ForwardPass(
        program="0" * 64,
        input={"height": 8, "width": 8},
        task=TaskKind.EMBEDDING,
        feature_layer=None,
        output=None,
        layer=None,
        few_shot=HEAD,
    ),
    top_k=2,
    images=(b"query",),
    timeout_seconds=1.0,
    support=Support(images=(b"one", b"two", b"three"), classes=(0, 1, 0), names=("a", "b")),
)
FACTS = SupportFacts(
    classes=[
        {"shots": 2, "distinct": 2, "spread": 0.5},
        {"shots": 1, "distinct": 1, "spread": None},
    ],
    outside=[True],
    notes=["a note"],
)
RESPONSE = PredictResponse(
    OutputKind.CLASSES,
    classes=[[{"index": 0, "probability": 1.0, "distance": 0.25}]],
    support=FACTS,
)


def test_a_request_with_a_support_is_the_same_after_the_journey() -> None:
    assert PredictRequest.unpacked(REQUEST.packed()) == REQUEST


def test_a_response_with_facts_is_the_same_after_the_journey() -> None:
    assert PredictResponse.unpacked(RESPONSE.packed()) == RESPONSE


@pytest.mark.parametrize(
    "change",
    [
        {"classes": [0, 1, 0, 0, 0]},
        {"classes": [0, 1, 200]},
        {"classes": "none"},
        {"names": []},
        {"prior": -1.0},
    ],
)
def test_a_malformed_support_is_refused(change: dict[str, Any]) -> None:
    header, images = unpack(REQUEST.packed())
    header["support"] |= change

    with pytest.raises(InvalidRequestError, match="malformed"):
        PredictRequest.unpacked(pack(header, images))


def test_a_response_speaks_of_every_class_and_image() -> None:
    def fits(**changes: Any) -> bool:
        facts = SupportFacts(**{**FACTS, **changes})  # type: ignore[typeddict-item]
        return replace(RESPONSE, support=facts).fits(REQUEST)

    assert RESPONSE.fits(REQUEST)
    assert not replace(RESPONSE, support=None).fits(REQUEST)
    assert not RESPONSE.fits(replace(REQUEST, support=None))
    assert not fits(classes=FACTS["classes"][:1])
    assert not fits(outside=[True, False])
