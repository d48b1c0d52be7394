"""Manifests of readers: networks that turn the sound or the lips of a clip into text."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from service.core.manifest import Line, ModelFormat, Name, ShortText, Strict, Tag, Task

Token = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^\x00]*$")]
_ORDER = ("pinyin", "tone", "character")


def _require_different(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """The tokens, none of which is listed twice."""
    if len(set(tokens)) != len(tokens):
        raise ValueError("vocabulary must list each token once")
    return tokens


Tokens = Annotated[
    tuple[Token, ...],
    Field(min_length=1, max_length=100_000, fail_fast=True),
    AfterValidator(_require_different),
]


class Modality(StrEnum):
    """What a reader takes of a clip."""

    AUDIO = "audio"
    VIDEO = "video"


class MelFeatures(Strict):
    """Log-mel frames of the sound."""

    modality: Literal[Modality.AUDIO]
    mels: int = Field(ge=1, le=1024)


class CropFeatures(Strict):
    """Principal components of the crops of the lips, at ``rate`` frames per second.

    Clips whose lips move by less than ``least_motion`` gray levels may say nothing.
    """

    modality: Literal[Modality.VIDEO]
    height: int = Field(ge=1, le=4096)
    width: int = Field(ge=1, le=4096)
    rate: float = Field(ge=1, le=1000)
    components: int = Field(ge=1, le=4096)
    least_motion: float = Field(default=0.0, ge=0, le=255)


class ReaderSize(Strict):
    """Cells of the encoder per direction, layers of encoder and decoder, dropout of the training."""

    width: int = Field(ge=1, le=4096)
    layers: int = Field(ge=1, le=16)
    dropout: float = Field(ge=0, lt=1)


class ReaderHead(Strict):
    """What a reader's weights do not say, so that they load without code.

    Attributes:
        vocabulary: Tokens of the texts, by number.
        tokens_per_frame: Largest number of tokens per frame, which limits the length of texts.
    """

    features: MelFeatures | CropFeatures
    size: ReaderSize
    vocabulary: Tokens
    tokens_per_frame: float = Field(gt=0, le=1e6)


class StageHead(Strict):
    """What a stage of a cascade predicts, and its tokens by number."""

    stage: Literal["pinyin", "tone", "character"]
    vocabulary: Tokens


class CascadeHead(Strict):
    """What a cascade's weights do not say, so that they load without code.

    Attributes:
        stages: In the order in which they read; the last one reads characters.
        tokens_per_frame: Largest number of tokens per frame, which limits the length of texts.
        video_in: Which stages see the video.
        passed: What a decoded stage passes on.
        pinyin_from: Library, version and settings of the pinyin that had no column of its own.
    """

    kind: Literal["cascade"]
    features: CropFeatures
    size: ReaderSize
    stages: Annotated[tuple[StageHead, ...], Field(fail_fast=True)] = Field(
        min_length=1, max_length=3
    )
    tokens_per_frame: float = Field(gt=0, le=1e6)
    video_in: Literal["all", "first"]
    passed: Literal["best", "posterior"]
    pinyin_from: ShortText = ""

    @model_validator(mode="after")
    def _ends_with_characters(self) -> Self:
        names = [part.stage for part in self.stages]
        if names != sorted(set(names), key=_ORDER.index) or names[-1] != _ORDER[-1]:
            raise ValueError("stages must differ, in the order pinyin, tone, character")
        return self


AnyReaderHead = ReaderHead | CascadeHead


class ReaderManifest(Strict):
    """What a trained reader is; its weights are a safetensors file."""

    name: Name
    format: Literal[ModelFormat.SAFETENSORS] = ModelFormat.SAFETENSORS
    task: Task
    reader: AnyReaderHead
    trained_on: ShortText = ""
    license: Line = ""
    tags: tuple[Tag, ...] = Field((), max_length=50)
