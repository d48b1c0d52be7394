"""What a job's process says of clips is checked before it is stored."""

from typing import Any

import pytest
from pydantic import ValidationError

from service.core.results import ResultScope
from service.core.results.datasets import IngestedDataset

DIGEST = "0" * 64
PART = {"sha256": DIGEST, "start": 0, "length": 100}
CLIP: dict[str, Any] = {
    "name": "a.mp4",
    "sha256": DIGEST,
    "transcript": "你好",
    "pinyin": ["ni3", "hao3"],
    "speaker": None,
    "seconds": 1.2,
    "frames": 30,
    "frames_per_second": 25.0,
    "mel_frames": 118,
    "width": 192,
    "height": 144,
    "rotation": 90,
    "faces": 1,
    "box": [71, 84, 52, 35],
    "remarks": [],
    "tensors": PART,
    "poster": PART,
    "mel_picture": None,
}
DATASET: dict[str, Any] = {
    "problems": [],
    "notes": [],
    "images": [],
    "clips": [CLIP],
    "labels": None,
    "manifest_sha256": DIGEST,
    "packed_file": "clips.pack",
    "canonical_file": None,
    "canonical_side": None,
    "masks_file": None,
}
IMAGE = {
    "name": "a.png", "label": None, "sha256": DIGEST, "media_type": "image/png",
    "start": 0, "length": 9, "width": 8, "height": 8,
}  # fmt: skip


def validated(dataset: dict[str, Any]) -> IngestedDataset:
    scope = ResultScope(file_sizes={"clips.pack": 100})
    return IngestedDataset.model_validate(dataset, strict=False, context=scope)


def test_a_result_with_clips_is_valid():
    assert validated(DATASET).file_names() == {"clips.pack"}


WRONG: dict[str, dict[str, Any]] = {
    "clips and images": {"images": [IMAGE]},
    "clips without a file": {"packed_file": None},
    "a file without clips": {"clips": []},
    "a transcript for some": {"clips": [CLIP, {**CLIP, "transcript": "", "pinyin": None}]},
    "no syllable": {"clips": [{**CLIP, "pinyin": ["<b>"]}]},
    "a record beyond the file": {"clips": [{**CLIP, "tensors": {**PART, "length": 101}}]},
    "a picture beyond the file": {"clips": [{**CLIP, "mel_picture": {**PART, "start": 1}}]},
    "no number": {"clips": [{**CLIP, "seconds": float("nan")}]},
    "another field": {"clips": [{**CLIP, "path": "/etc"}]},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_result_is_refused(case: str):
    with pytest.raises(ValidationError):
        validated({**DATASET, **WRONG[case]})
