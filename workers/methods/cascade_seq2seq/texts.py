"""The texts of the stages of a clip, and the clips that have them."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.core.catalog.cascade_seq2seq import CascadeStage
from workers.torchkit.clips import Clip

StageText = tuple[str, ...]


@dataclass(frozen=True)
class SkippedClips:
    """Clips that a cascade cannot learn from, by reason."""

    no_pinyin: int
    pinyin_mismatch: int


def stage_text(clip: Clip, stage: CascadeStage) -> StageText:
    """What the stage predicts for the clip."""
    if stage is CascadeStage.CHARACTER:
        return tuple(clip.transcript)
    syllables = clip.pinyin or ()
    if stage is CascadeStage.PINYIN:
        return tuple(syllable[:-1] for syllable in syllables)
    return tuple(syllable[-1] for syllable in syllables)


def fit_clips(
    clips: Sequence[Clip], stages: Sequence[CascadeStage]
) -> tuple[tuple[Clip, ...], SkippedClips]:
    """Clips with one syllable per character, and how many lack it; all where none is needed."""
    if CascadeStage.PINYIN not in stages:
        return tuple(clips), SkippedClips(0, 0)
    with_pinyin = [clip for clip in clips if clip.pinyin]
    fit = tuple(clip for clip in with_pinyin if len(clip.pinyin or ()) == len(clip.transcript))
    return fit, SkippedClips(len(clips) - len(with_pinyin), len(with_pinyin) - len(fit))
