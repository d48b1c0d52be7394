"""Spec of ``cascade_seq2seq``: Mandarin from lips by way of pinyin and tones."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator

from service.core.catalog.method_spec import Audience, Family, JobLane, MethodKind, MethodSpec
from service.core.catalog.speech_training import ClipsOnly, LipTrainingConfig
from service.core.ids import ModelId
from service.core.manifest import DatasetKind


class CascadeStage(StrEnum):
    """What a stage predicts: syllables without tones, their tones, or characters."""

    PINYIN = "pinyin"
    TONE = "tone"
    CHARACTER = "character"


CASCADES = (
    (CascadeStage.CHARACTER,),
    (CascadeStage.PINYIN, CascadeStage.CHARACTER),
    (CascadeStage.PINYIN, CascadeStage.TONE, CascadeStage.CHARACTER),
)


class VideoInput(StrEnum):
    """Which stages see the video: ``all`` of them, or the ``first`` alone."""

    ALL = "all"
    FIRST = "first"


class PassedTokens(StrEnum):
    """What a decoded stage passes on: its ``best`` tokens, or the ``posterior`` of each."""

    BEST = "best"
    POSTERIOR = "posterior"


class ClipsAndFirstStage(ClipsOnly):
    """Clips with Chinese transcripts, and a cascade whose first stage the new one shares."""

    first_stage: ModelId | None = None
    """Cascade of the zoo that provides the trained first stage; None trains one."""


class CascadeSeq2SeqParams(LipTrainingConfig):
    """The stages, how long each learns, and their optimizer."""

    stages: Annotated[tuple[CascadeStage, ...], Field(fail_fast=True)] = CASCADES[-1]
    """Stages in order: character; pinyin, character; or pinyin, tone, character."""
    first_share: float = Field(40.0, gt=0, le=1000)
    """Share of the budget for the first stage, relative to the other shares."""
    tone_share: float = Field(6.0, gt=0, le=1000)
    """Share for the tones, on true syllables."""
    character_share: float = Field(14.0, gt=0, le=1000)
    """Share for the characters, on true syllables and tones."""
    joint_share: float = Field(16.0, gt=0, le=1000)
    """Share for all stages together, each on what the one before predicts."""
    joint_rate: float = Field(0.25, gt=0, le=1)
    """Peak learning rate of the last phase, relative to ``learning_rate``."""
    tone_dropout: float = Field(0.0, ge=0, lt=1)
    """Share of tones that the characters learn without, so that they trust them less."""
    video_in: VideoInput = VideoInput.ALL
    """Which stages see the video."""
    passed: PassedTokens = PassedTokens.POSTERIOR
    """What a decoded stage passes on."""

    def share_of(self, stage: CascadeStage) -> float:
        """Share of the budget in which a stage learns alone."""
        shares = {
            CascadeStage.TONE: self.tone_share,
            CascadeStage.CHARACTER: self.character_share,
            self.stages[0]: self.first_share,
        }
        return shares[stage]

    def phase_shares(self, *, stages: Sequence[CascadeStage]) -> list[float]:
        """Shares of these stages, and of the phase in which all learn together if there are several."""
        together = [self.joint_share] if len(self.stages) > 1 else []
        return [*map(self.share_of, stages), *together]

    @field_validator("stages")
    @classmethod
    def _a_cascade(cls, stages: tuple[CascadeStage, ...]) -> tuple[CascadeStage, ...]:
        if stages not in CASCADES:
            raise ValueError(
                "stages are character; pinyin, character; or pinyin, tone, character, in this order"
            )
        return stages


SPEC = MethodSpec(
    name="cascade_seq2seq",
    title="A lip reader for Mandarin that reads syllables, then tones, then characters",
    family=Family.TRAINING,
    kind=MethodKind.CASCADE_TRAINING,
    audience=Audience.PUBLIC,
    version=1,
    source="Zhao et al. 2019, arXiv 1908.04917",
    inputs=ClipsAndFirstStage,
    params=CascadeSeq2SeqParams,
    result="a reader of clips, with report and learning curve",
    lane=JobLane.LONG,
    dataset_kinds=frozenset({DatasetKind.CLIPS}),
    time_limit_seconds=None,
)
