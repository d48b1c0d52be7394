"""The clips of a dataset as tensors; runs in the child."""

from collections.abc import Mapping, Sequence
from typing import Any

from workers.isolation.training_files import CLIPS_FILE
from workers.isolation.workdir import Scratch
from workers.torchkit.clip_reading.stored_clips import clip_of
from workers.torchkit.clips import Clip


def clips_of(
    facts: Sequence[Mapping[str, Any]], scratch: Scratch, name: str = CLIPS_FILE
) -> list[Clip]:
    """All clips, in the order of the dataset; ``facts`` are those of ``stage.clips``."""
    return [clip_of(scratch.inputs / name, clip) for clip in facts]
