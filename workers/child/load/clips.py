"""The clips of a dataset as tensors; runs in the child."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from workers.isolation.training_files import CLIPS_FILE, STOCKED_CLIPS
from workers.isolation.workdir import Scratch
from workers.methods.dataset_ingestion.clips.packing import PackedClip
from workers.methods.dataset_ingestion.upload_reader import ClipStock
from workers.torchkit.clip_reading.stored_clips import clip_of
from workers.torchkit.clips import Clip

_PACKED_CLIPS = TypeAdapter(tuple[PackedClip, ...])


def stocked_clips(scratch: Scratch) -> ClipStock | None:
    """The clips of another dataset for which the upload has transcripts, if it has."""
    file = scratch.inputs / STOCKED_CLIPS
    if not file.exists():
        return None
    clips = _PACKED_CLIPS.validate_json(file.read_bytes())
    return ClipStock(scratch.inputs / CLIPS_FILE, clips)


def clips_of(
    facts: Sequence[Mapping[str, Any]], scratch: Scratch, name: str = CLIPS_FILE
) -> list[Clip]:
    """All clips, in the order of the dataset; ``facts`` are those of ``stage.clips``."""
    return [clip_of(scratch.inputs / name, clip) for clip in facts]
