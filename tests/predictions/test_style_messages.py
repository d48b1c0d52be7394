"""Styles travel with their request, and a response must bring every picture of it."""

from dataclasses import replace
from typing import Any

import pytest

from service.core.errors import InvalidRequestError
from service.core.frames import pack, unpack
from service.core.predict_messages import ForwardPass, OutputKind, PredictRequest, PredictResponse
from service.core.stylizations import PictureFormat, PreservedColor, StyleSettings, Stylization

SETTINGS = StyleSettings(
    strength=0.5, preserve_color=PreservedColor.CHROMA, stroke=2.0, format=PictureFormat.JPEG
)
REQUEST = PredictRequest(
    id="01J00000000000000000000000",
    forward_pass=ForwardPass(
        program="0" * 64,
        input={"channels": 3, "height": 8, "width": 8},
        task="stylization",
        feature_layer=None,
        output=None,
        layer=None,
        stylizer={"network": "din", "width": 4},
    ),
    top_k=5,
    images=(b"first", b"second"),
    timeout_seconds=1.0,
    stylization=Stylization((b"style", b"other"), (), SETTINGS),
)
MASKED = replace(
    REQUEST, stylization=Stylization((b"style", b"other"), (b"left", b"right"), SETTINGS)
)
WEIGHTED = replace(
    REQUEST,
    stylization=Stylization((b"style", b"other"), (), replace(SETTINGS, weights=(0.5, 0.5))),
)


MAPPED = replace(
    MASKED,
    stylization=Stylization((b"style", b"other"), (b"left", b"right"), SETTINGS, b"sizes"),
)


@pytest.mark.parametrize("request_", [REQUEST, MASKED, WEIGHTED, MAPPED])
def test_a_request_with_styles_is_the_same_after_the_journey(request_: PredictRequest) -> None:
    assert PredictRequest.unpacked(request_.packed()) == request_


@pytest.mark.parametrize(
    "change",
    [
        {"styles": 0},
        {"styles": 17},
        {"styles": "2"},
        {"masks": 1},
        {"stroke_maps": 2},
        {"settings": None},
        {"settings": {"strength": 2}},
        {"settings": {"weights": [1.0]}},
    ],
)
def test_malformed_styles_are_refused(change: dict[str, Any]) -> None:
    header, images = unpack(REQUEST.packed())
    header["stylization"] |= change

    with pytest.raises(InvalidRequestError):
        PredictRequest.unpacked(pack(header, images))


@pytest.mark.parametrize(("request_", "count"), [(REQUEST, 4), (MASKED, 2), (WEIGHTED, 2)])
def test_a_response_has_a_picture_for_each_style_or_one_for_all(
    request_: PredictRequest, count: int
) -> None:
    def fits(pictures: int) -> bool:
        return PredictResponse(OutputKind.IMAGE, parts=(b"png",) * pictures).fits(request_)

    assert fits(count)
    assert not fits(count - 1)
    assert not fits(count + 1)
