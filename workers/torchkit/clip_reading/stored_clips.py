"""The form in which a clip is stored: one safetensors record of crops, log-mel frames and times."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load, save

from workers.torchkit.clip_reading.reading import ClipReading
from workers.torchkit.clips import Clip

_TENSORS = ("crops", "crop_times", "mel", "mel_times")


def clip_bytes(reading: ClipReading) -> bytes:
    """The tensors of a clip as one record; equal clips have equal bytes."""
    return save({name: getattr(reading, name).contiguous() for name in _TENSORS})


def clip_of(packed: Path, facts: Mapping[str, Any]) -> Clip:
    """A clip from its record in the packed file of its dataset.

    ``facts`` hold ``start`` and ``length`` of the record, and what ``clip_in`` needs.
    """
    with packed.open("rb") as file:
        file.seek(facts["start"])
        return clip_in(file.read(facts["length"]), facts)


def clip_in(record: bytes, facts: Mapping[str, Any]) -> Clip:
    """The clip of a record; ``facts`` hold its ``transcript``, ``pinyin`` and ``speaker``."""
    tensors = load(record)
    pinyin = facts["pinyin"]
    return Clip(
        **{name: tensors[name] for name in _TENSORS},
        transcript=facts["transcript"],
        pinyin=None if pinyin is None else tuple(pinyin),
        speaker=facts["speaker"],
    )
