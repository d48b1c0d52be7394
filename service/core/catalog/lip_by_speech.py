"""Spec of ``lip_by_speech``: a lip reader learns from text and from a speech recognizer."""

from enum import StrEnum

from pydantic import Field

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobLane,
    MethodKind,
    MethodSpec,
    Params,
)
from service.core.catalog.speech_training import ClipsOnly, LipTrainingConfig
from service.core.ids import ModelId
from service.core.manifest import DatasetKind


class ClipsAndRecognizer(ClipsOnly):
    """Clips to learn from, clips to evaluate on, and the recognizer of their sound."""

    teachers: tuple[ModelId, ...] = Field((), max_length=1)
    """The speech recognizer to learn from; none if all weights are 0."""


class PairFilter(StrEnum):
    """Which characters of teacher and student are compared.

    ``lcs``: those of a longest common subsequence, in clips whose teacher's error rate is at most
    ``largest_error``. ``lcs_soft``: in all clips, weighted by exp(-``sharpness`` · error rate).
    ``none``: equal positions, whatever they are; for comparison only.
    """

    LCS = "lcs"
    LCS_SOFT = "lcs_soft"
    NONE = "none"


class FrameAlignment(StrEnum):
    """How audio frames find video frames.

    ``learned``: by a trained bilinear form of their states. ``cross_attention``: by what both readers
    attend to at the characters that they share.
    """

    LEARNED = "learned"
    CROSS_ATTENTION = "cross_attention"


class LevelWeights(Params):
    """Weights of the feature losses beside that of the text; 0 switches a level off.

    Each loss is divided by the variance of the teacher's quantity and by its dimension, so that
    weights mean the same at every width.
    """

    sequence: float = Field(1.0, ge=0, le=1000)
    """Weight of the distance of the encoders' end states."""
    context: float = Field(1.0, ge=0, le=1000)
    """Weight of the distance of contexts at common characters."""
    frame: float = Field(1.0, ge=0, le=1000)
    """Weight of the distance of aligned frames."""

    @property
    def any(self) -> bool:
        """Whether a teacher is needed."""
        return self.sequence > 0 or self.context > 0 or self.frame > 0


class LipBySpeechParams(LipTrainingConfig):
    """The lip reader, what it matches in the teacher, and its optimizer."""

    weights: LevelWeights = LevelWeights()
    """Weights of the three levels."""
    filter: PairFilter = PairFilter.LCS
    """Which characters are compared."""
    align: FrameAlignment = FrameAlignment.LEARNED
    """How audio frames find video frames."""
    largest_error: float = Field(0.5, ge=0, le=10)
    """Largest error rate of the teacher in a clip whose contexts count, with ``filter`` ``lcs``."""
    sharpness: float = Field(1.0, ge=0, le=100)
    """How fast weights fall with the teacher's error rate, with ``filter`` ``lcs_soft``."""


SPEC = MethodSpec(
    name="lip_by_speech",
    title="A lip reader that learns from text and from a speech recognizer",
    family=Family.TRAINING,
    kind=MethodKind.READER_TRAINING,
    audience=Audience.PUBLIC,
    version=1,
    source="Zhao et al. 2020, arXiv 1911.11502",
    inputs=ClipsAndRecognizer,
    params=LipBySpeechParams,
    result="a reader of clips, with report and learning curve",
    lane=JobLane.LONG,
    dataset_kinds=frozenset({DatasetKind.CLIPS}),
    time_limit_seconds=None,
)
