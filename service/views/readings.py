"""Shapes of what a reader reads in clips."""

from base64 import b64encode
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, PlainSerializer

from service.core.readings import ClipFileFacts, ClipReadingFacts
from service.predict_client import ClipResult, PredictResult
from service.views.clips import ClipBoxView

# Bytes in messages, base64 in JSON.
Picture = Annotated[
    bytes,
    PlainSerializer(
        lambda data: b64encode(data).decode(), return_type=str, when_used="json-unless-none"
    ),
]


class TokenTextView(BaseModel):
    """A token of a text, the logarithm of its probability, and when it is spoken, approximately.

    Times are null where a stage of a cascade does not see the video.
    """

    text: str
    log_probability: float
    start_seconds: float | None = None
    end_seconds: float | None = None


class AlternativeTextView(BaseModel):
    """Another text of the search, with its score."""

    text: str
    score: float
    finished: bool


class StageTextView(BaseModel):
    """What one stage of a cascade reads: `pinyin`, `tone` or `character`."""

    stage: str
    score: float
    finished: bool
    tokens: list[TokenTextView]


class OracleTextView(BaseModel):
    """The characters that a cascade reads with the true texts of these stages.

    The difference to its own text is what the errors of these stages cost.
    """

    true_stages: list[str]
    text: str
    character_error_rate: float


class ClipFactsView(BaseModel):
    """What a clip shows, and the part of it that is read.

    ``faces`` is 0 where none was sought. ``remarks`` are codes of what is unusual, such as
    `variable_frame_rate`, or `no_speech_movement`: the lips move less than in 99 % of the clips that
    the reader learned from, so the text may be invented.
    """

    seconds: float
    frames: int
    frames_per_second: float
    mel_frames: int
    width: int
    height: int
    rotation: int
    faces: int
    box: ClipBoxView
    remarks: list[str]

    @classmethod
    def of(cls, facts: ClipFileFacts) -> Self:
        """The view of the facts."""
        left, top, width, height = facts["box"]
        box = ClipBoxView(left=left, top=top, width=width, height=height)
        return cls(**{**facts, "box": box})


class ClipProblemView(BaseModel):
    """Why a clip was not read."""

    code: str
    detail: str
    remedy: str | None = None


class ClipTextView(BaseModel):
    """What a reader reads in one clip; only ``problem`` is set where it cannot.

    ``score`` is the sum of the logarithms of all tokens' probabilities, by the number of tokens to
    the power of 0.8: it compares texts of one clip and is no measure of confidence. ``finished`` is
    false if the text reached the longest length. ``attention_png`` is a picture of what each token
    attends to, PNG as base64. ``index`` and ``name`` are those of a stored clip, and so is
    ``transcript``; ``character_error_rate`` is the edit distance to it, by its length. Only a cascade
    has ``stages``, ``pinyin`` (syllables with tone numbers), ``aligned`` (whether all stages have
    equally many tokens) and, with a transcript, ``oracles``.
    """

    clip: int = Field(description="Position in the request, from 0.")
    index: int | None = None
    name: str | None = None
    text: str | None = None
    score: float | None = None
    finished: bool | None = None
    tokens: list[TokenTextView] = Field(default_factory=list)
    alternatives: list[AlternativeTextView] = Field(default_factory=list)
    transcript: str | None = None
    character_error_rate: float | None = None
    stages: list[StageTextView] = Field(default_factory=list)
    pinyin: list[str] = Field(default_factory=list)
    aligned: bool | None = None
    oracles: list[OracleTextView] = Field(default_factory=list)
    facts: ClipFactsView | None = None
    attention_png: Picture | None = None
    problem: ClipProblemView | None = None

    @classmethod
    def of(cls, position: int, result: ClipResult) -> Self:
        """The view of a result."""
        view = cls(clip=position)
        if result.stored is not None:
            view.index, view.name = result.stored.index, result.stored.name
            view.transcript = result.stored.words["transcript"]
            view.facts = ClipFactsView.of(result.stored.facts)
        if result.problem is not None:
            view.problem = ClipProblemView(**result.problem)
        if result.reading is not None:
            view._take(result.reading)
            view.attention_png = result.attention
        return view

    def _take(self, reading: ClipReadingFacts) -> None:
        """Take over what was read."""
        best, cascade = reading["best"], reading["cascade"]
        self.text, self.score, self.finished = best["text"], best["score"], best["finished"]
        self.tokens = [TokenTextView(**token) for token in reading["tokens"]]
        self.alternatives = [AlternativeTextView(**text) for text in reading["alternatives"]]
        self.character_error_rate = reading["error_rate"]
        if reading["file"] is not None:
            self.facts = ClipFactsView.of(reading["file"])
        if self.facts is not None:
            self.facts.remarks += reading["remarks"]
        if cascade is not None:
            self.stages = [StageTextView.model_validate(stage) for stage in cascade["stages"]]
            self.pinyin, self.aligned = cascade["pinyin"], cascade["aligned"]
            self.oracles = [
                OracleTextView(
                    true_stages=oracle["true_stages"],
                    text=oracle["text"],
                    character_error_rate=oracle["error_rate"],
                )
                for oracle in cascade["oracles"]
            ]


class TextPredictionView(BaseModel):
    """The texts of all clips in their order."""

    model_id: str
    output: Literal["texts"] = "texts"
    items: list[ClipTextView]

    @classmethod
    def of(cls, prediction: PredictResult) -> Self:
        """The view of a prediction of texts."""
        items = [ClipTextView.of(index, clip) for index, clip in enumerate(prediction.clips)]
        return cls(model_id=prediction.model_id, items=items)
