"""What the frozen teacher computes for each training clip, once: it never changes.

The teacher decodes freely, so that its text may differ from the transcript in length and characters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from service.core.catalog.lip_by_speech import LipBySpeechParams, PairFilter
from workers.methods.lip_by_speech.maths import (
    Pairs,
    common_pairs,
    mean_variance,
    soft_weight,
)
from workers.torchkit.clips import Clip
from workers.torchkit.speech.error_rates import edit_distance
from workers.torchkit.speech.features import FeatureBatch
from workers.torchkit.speech.readers import Reader, clip_features, parts_of

_SMALLEST_VARIANCE = 1e-8


@dataclass(frozen=True)
class TeacherClip:
    """The teacher's quantities for a clip with sound.

    Attributes:
        times: Middle of each audio frame in seconds.
        pairs: Positions of compared characters in transcript and teacher's text.
        weight: How much the contexts of the clip count.
        error: The teacher's error rate.
    """

    states: Float[Tensor, "audio teacher_unit"]
    times: Float[Tensor, " audio"]
    end: Float[Tensor, " teacher_unit"]
    contexts: Float[Tensor, "token teacher_unit"]
    attention: Float[Tensor, "token audio"]
    text: tuple[str, ...]
    pairs: Pairs
    weight: float
    error: float


@dataclass(frozen=True)
class FeatureScales:
    """Variance of each of the teacher's quantities over the training clips, mean over units."""

    sequence: float
    context: float
    frame: float


def teacher_clips(
    teacher: Reader, clips: Sequence[Clip], params: LipBySpeechParams
) -> list[TeacherClip | None]:
    """The quantities of every clip; None for one without sound."""
    audible = [index for index, clip in enumerate(clips) if len(clip.mel)]
    read = _read(teacher, [clips[index] for index in audible], params)
    by_index = dict(zip(audible, read, strict=True))
    return [by_index.get(index) for index in range(len(clips))]


@torch.no_grad()
def _read(teacher: Reader, clips: Sequence[Clip], params: LipBySpeechParams) -> list[TeacherClip]:
    features = clip_features(teacher.features, clips)
    read: list[TeacherClip] = []
    for part in parts_of(features):
        batch = FeatureBatch.of(part, teacher.device)
        encoded, texts = teacher.network.read(batch, teacher.rate)
        hypotheses = texts.hypotheses()
        for row, sequence in enumerate(part):
            frames = len(sequence.values)
            text = tuple(teacher.vocabulary.text(hypotheses[row].tokens))
            transcript = clips[len(read)].transcript
            error = edit_distance(transcript, text) / len(transcript)
            pairs = compared_pairs(transcript, text, params.filter)
            read.append(
                TeacherClip(
                    states=encoded.states[row, :frames],
                    times=sequence.times,
                    end=encoded.end[row],
                    contexts=texts.decoded.contexts[row, : len(text)],
                    attention=texts.decoded.attention[0][row, : len(text), :frames],
                    text=text,
                    pairs=pairs,
                    weight=context_weight(error, pairs, params),
                    error=error,
                )
            )
    return read


def compared_pairs(
    transcript: Sequence[str], text: Sequence[str], pair_filter: PairFilter
) -> Pairs:
    """Positions of the characters whose contexts are compared; the end token takes no part."""
    if pair_filter is PairFilter.NONE:
        return [(index, index) for index in range(min(len(transcript), len(text)))]
    return common_pairs(list(transcript), list(text))


def context_weight(error: float, pairs: Pairs, params: LipBySpeechParams) -> float:
    """How much the contexts of a clip count: 0 without pairs or above the largest error."""
    if not pairs:
        return 0.0
    if params.filter is PairFilter.LCS_SOFT:
        return soft_weight(error, params.sharpness)
    return float(params.filter is PairFilter.NONE or error <= params.largest_error)


def feature_scales(clips: Sequence[TeacherClip]) -> FeatureScales:
    """The scales of the three levels."""
    contexts = [clip.contexts for clip in clips if len(clip.contexts)]
    return FeatureScales(
        sequence=_scale([clip.end[None] for clip in clips]),
        context=_scale(contexts) if contexts else 1.0,
        frame=_scale([clip.states for clip in clips]),
    )


def _scale(rows: Sequence[Tensor]) -> float:
    return max(mean_variance(torch.cat(list(rows))), _SMALLEST_VARIANCE)
