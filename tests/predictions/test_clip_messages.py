"""Clips travel with their request, and a response must speak of every clip of it."""

from dataclasses import replace
from typing import Any

import pytest

from service.core.errors import InvalidRequestError
from service.core.frames import pack, unpack
from service.core.manifest import ClipCrop, TaskKind
from service.core.predict_messages import ForwardPass, OutputKind, PredictRequest, PredictResponse
from service.core.readings import (
    ClipAnswer,
    ClipReadingFacts,
    ClipReadings,
    ReadingSettings,
    StoredWords,
)

HEAD = {
    "features": {"modality": "audio", "mels": 80},
    "size": {"width": 8, "layers": 1, "dropout": 0.0},
    "vocabulary": ["书", "树"],
    "tokens_per_frame": 0.5,
}
SETTINGS = ReadingSettings(
    beam_width=3, alternatives=2, crop=ClipCrop.GIVEN, crop_box=(0.1, 0.2, 0.3, 0.4)
)
WORDS = StoredWords(transcript="书树", pinyin=["shu1", "shu4"])
REQUEST = PredictRequest(
    id="0" * 26,
    forward_pass=ForwardPass(
        program="0" * 64,
        input=None,
        task=TaskKind.TRANSCRIPTION,
        feature_layer=None,
        output=None,
        layer=None,
        reader=HEAD,
    ),
    top_k=5,
    images=(),
    timeout_seconds=1.0,
    readings=ClipReadings((b"first", b"second"), (), SETTINGS),
)
STORED = replace(REQUEST, readings=ClipReadings((b"a", b"b"), (WORDS, WORDS), SETTINGS))
READING = ClipReadingFacts(
    best={"text": "书", "score": -0.5, "finished": True},
    tokens=[{"text": "书", "log_probability": -0.5, "start_seconds": 0.0, "end_seconds": 0.2}],
    alternatives=[],
    error_rate=0.5,
    file=None,
    cascade=None,
    remarks=["no_speech_movement"],
)
READ = ClipAnswer(reading=READING, problem=None)
UNREAD = ClipAnswer(
    reading=None, problem={"code": "no_audio", "detail": "clip 1: no sound", "remedy": None}
)
RESPONSE = PredictResponse(OutputKind.TEXTS, parts=(b"png",), texts=[READ, UNREAD])


@pytest.mark.parametrize("request_", [REQUEST, STORED])
def test_a_request_with_clips_is_the_same_after_the_journey(request_: PredictRequest) -> None:
    assert PredictRequest.unpacked(request_.packed()) == request_


def test_a_response_with_texts_is_the_same_after_the_journey() -> None:
    assert PredictResponse.unpacked(RESPONSE.packed()) == RESPONSE


@pytest.mark.parametrize(
    "change",
    [
        {"clips": 0},
        {"clips": 17},
        {"clips": "2"},
        {"words": [WORDS]},
        {"words": None},
        {"settings": None},
        {"settings": {"beam_width": 0}},
        {"settings": {"crop": "lips"}},
        {"settings": {"crop_box": [0.0, 0.0, 2.0, 1.0]}},
    ],
)
def test_malformed_clips_are_refused(change: dict[str, Any]) -> None:
    header, files = unpack(REQUEST.packed())
    header["readings"] |= change

    with pytest.raises(InvalidRequestError):
        PredictRequest.unpacked(pack(header, files))


@pytest.mark.parametrize("change", [{"vocabulary": ["书", "书"]}, {"size": {}}, {"features": {}}])
def test_a_malformed_head_is_refused(change: dict[str, Any]) -> None:
    header, files = unpack(REQUEST.packed())
    header["forward_pass"]["reader"] |= change

    with pytest.raises(InvalidRequestError):
        PredictRequest.unpacked(pack(header, files))


def test_a_request_without_images_and_clips_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        PredictRequest.unpacked(replace(REQUEST, readings=None).packed())


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({}, True),
        ({"texts": [READ]}, False),
        ({"texts": [READ, READ]}, False),
        ({"parts": ()}, False),
        ({"texts": [READ, ClipAnswer(reading=None, problem=None)]}, False),
        ({"texts": [UNREAD, UNREAD], "parts": ()}, True),
        ({"kind": OutputKind.FEATURES, "texts": []}, False),
        ({"classes": [[]]}, False),
    ],
)
def test_a_response_has_a_text_and_a_picture_or_a_problem_for_every_clip(
    changes: dict[str, Any], *, fits: bool
) -> None:
    assert replace(RESPONSE, **changes).fits(REQUEST) is fits


def test_texts_do_not_answer_a_request_with_images() -> None:
    images = replace(REQUEST, readings=None, images=(b"image",))

    assert not replace(RESPONSE, texts=[READ]).fits(images)
