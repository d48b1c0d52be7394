"""Inputs and result of a training on clips."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from service.core.errors import MethodError
from workers.torchkit.clips import Clip
from workers.torchkit.speech.error_rates import ErrorCounts
from workers.torchkit.speech.readers import Reader

HELD_OUT, UNSEEN_SPEAKERS = "held_out", "unseen_speakers"


class NoAudioError(MethodError):
    """No training clip has sound, and the training needs it."""

    code = "no_audio"


class TooFewClipsError(MethodError):
    """A batch needs more clips than there are."""

    code = "too_few_clips"


@dataclass(frozen=True, kw_only=True)
class ClipInputs:
    """Clips to learn from and to evaluate on.

    Attributes:
        held_out: Clips of sentences that training does not use.
        unseen_speakers: Clips of speakers that training does not use; may be empty.
        recipe: What the report states of the job besides the parameters, as JSON values.
    """

    name: str
    clips: tuple[Clip, ...]
    held_out: tuple[Clip, ...]
    unseen_speakers: tuple[Clip, ...] = ()
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    recipe: Mapping[str, Any] = field(default_factory=dict)

    def evaluation_clips(self) -> dict[str, tuple[Clip, ...]]:
        """Clips to evaluate on, by what they show; sets without clips are left out."""
        sets = {HELD_OUT: self.held_out, UNSEEN_SPEAKERS: self.unseen_speakers}
        return {name: clips for name, clips in sets.items() if clips}


@dataclass(frozen=True, kw_only=True)
class SpeechTrainingResult:
    """What every training on clips reports.

    Attributes:
        quality: Error rates with the bounds of their intervals, by name.
        errors: Counts per clip, by the set of clips and the kind of token.
        history: ``step`` and named numbers of every evaluation.
        warnings: Each with ``code``, ``detail`` and ``remedy``.
        details: What the method adds, as JSON values.
        pictures: PNG files by name.
    """

    quality: Mapping[str, float]
    errors: Mapping[str, ErrorCounts]
    history: tuple[Mapping[str, float], ...]
    params: Mapping[str, Any]
    recipe: Mapping[str, Any]
    warnings: tuple[Mapping[str, str], ...]
    details: Mapping[str, Any]
    pictures: Mapping[str, bytes]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ReaderResult(SpeechTrainingResult):
    """A trained reader on the CPU."""

    reader: Reader


def rates(errors: Mapping[str, ErrorCounts]) -> dict[str, float]:
    """Error rates with ``_low`` and ``_high`` of their 95 % intervals, by name."""
    numbers: dict[str, float] = {}
    for name, counts in errors.items():
        low, high = counts.interval()
        numbers |= {name: counts.rate(), f"{name}_low": low, f"{name}_high": high}
    return numbers
