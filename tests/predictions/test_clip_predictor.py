"""A predict child decodes clips within its limits, and every clip that it cannot read says why."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from service.core.manifest import ClipCrop
from service.core.reader_manifest import Modality
from service.core.readings import ReadingSettings, StoredWords
from tests.clip_files import blank, clip
from tests.predictions.ready_readers import a_recognizer, some_clips
from workers.child.clip_readers import TextReader
from workers.child.reading import ClipPredictor
from workers.torchkit.clip_reading.containers import ClipLimits

CLIP = some_clips()[0]
READER = TextReader(a_recognizer(), Modality.AUDIO)
SETTINGS = asdict(ReadingSettings(crop=ClipCrop.FULL))
WORDS = StoredWords(transcript="书", pinyin=None)


def code_of(
    folder: Path,
    data: bytes,
    *,
    words: list[StoredWords] | None = None,
    settings: Mapping[str, Any] = SETTINGS,
    **limits: Any,
) -> str | None:
    """The code of the problem with a clip; None if it is read."""
    values = {"bytes": 10**7, "seconds": 60.0, "pixels": 10**6, **limits}
    predictor = ClipPredictor(READER, ClipLimits(**values), folder)
    request = {"readings": {"clips": 1, "words": words or [], "settings": settings}}
    (response,) = predictor.responses([request], [data])
    (answer,) = response.texts
    return None if answer["problem"] is None else answer["problem"]["code"]


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({}, None),
        ({"bytes": len(CLIP) - 1}, "clip_too_large"),
        ({"seconds": 0.3}, "clip_too_long"),
        ({"pixels": 192 * 144 - 1}, "too_many_pixels"),
    ],
)
def test_a_clip_beyond_a_limit_is_named(
    tmp_path: Path, limits: dict[str, Any], code: str | None
) -> None:
    assert code_of(tmp_path, CLIP, **limits) == code


UNREADABLE = {
    "one frame": (lambda: clip(frames=1), "clip_too_short"),
    "no face": (lambda: clip(blank), "no_face"),
    "half of it": (lambda: clip(form="matroska", frames=80)[:20_000], "truncated"),
    "no bytes": (lambda: b"", "undecodable"),
    "a text": (lambda: b"hello " * 100, "undecodable"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_named_as_in_a_dataset(tmp_path: Path, case: str) -> None:
    make, code = UNREADABLE[case]
    settings = asdict(ReadingSettings(crop=ClipCrop.FOUND))

    assert code_of(tmp_path, make(), settings=settings) == code


def test_no_decoded_file_is_left(tmp_path: Path) -> None:
    code_of(tmp_path, CLIP)
    code_of(tmp_path, CLIP[: len(CLIP) // 10])

    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_a_clip_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)

    assert code_of(tmp_path, CLIP) == "decoder_missing"


@pytest.mark.parametrize(
    "record", [b"", b"no record", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "]
)
def test_a_stored_clip_that_is_no_record_is_named(tmp_path: Path, record: bytes) -> None:
    assert code_of(tmp_path, record, words=[WORDS]) == "undecodable"


@pytest.mark.parametrize("allowed", [600.0, 10.0])
def test_a_clip_longer_than_a_minute_is_for_a_dataset(tmp_path: Path, allowed: float) -> None:
    config = {"clip_bytes": 1, "clip_seconds": allowed, "image_pixels": 1, "folder": tmp_path}

    limits = ClipPredictor.of(READER, config).limits

    assert limits.seconds == min(60.0, allowed)
    assert "dataset" in limits.if_longer
