"""Clips of a prediction, how a reader reads them, and the texts that come back."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from service.core.manifest import ClipCrop

MOST_CLIPS = 16
LARGEST_BEAM_WIDTH, BEAM_WIDTH = 10, 5
LARGEST_ALTERNATIVES = 9

Share = Annotated[float, Field(ge=0, le=1)]
Detail = Annotated[str, Field(max_length=2000)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, kw_only=True)
class ReadingSettings:
    """How clips are read.

    Attributes:
        beam_width: Texts that the search keeps at each step; 1 is greedy.
        alternatives: Further texts to return for each clip.
        crop: Which part of the frames of a clip file is read.
        crop_box: Left, top, width and height of a given part, in shares of the frame.
    """

    beam_width: Annotated[int, Field(ge=1, le=LARGEST_BEAM_WIDTH)] = BEAM_WIDTH
    alternatives: Annotated[int, Field(ge=0, le=LARGEST_ALTERNATIVES)] = 0
    crop: ClipCrop = ClipCrop.FOUND
    crop_box: tuple[Share, Share, Share, Share] | None = None


class StoredWords(TypedDict):
    """What is said in a stored clip."""

    transcript: str
    pinyin: list[str] | None


@dataclass(frozen=True)
class ClipReadings:
    """Clips of one request, and how they are read.

    Attributes:
        clips: Clip files; or records of stored clips, each with its words.
        words: What is said in each stored clip; empty for clip files.
    """

    clips: Annotated[tuple[bytes, ...], Field(min_length=1, max_length=MOST_CLIPS)]
    words: tuple[StoredWords, ...] = ()
    settings: ReadingSettings = field(default_factory=ReadingSettings)

    def __post_init__(self) -> None:
        """Every clip is a stored one with its words, or none is. Raises ValueError."""
        if self.words and len(self.words) != len(self.clips):
            raise ValueError("every stored clip needs its words")

    @property
    def facts(self) -> dict[str, Any]:
        """Everything but the clips, as JSON values."""
        return {
            "clips": len(self.clips),
            "words": list(self.words),
            "settings": asdict(self.settings),
        }

    @staticmethod
    def files_of(facts: Mapping[str, Any]) -> int:
        """How many clips a message with these facts brings; 0 if they are malformed."""
        count = facts.get("clips")
        return count if isinstance(count, int) and 0 < count <= MOST_CLIPS else 0

    @staticmethod
    def with_files(facts: Mapping[str, Any], files: Sequence[bytes]) -> dict[str, Any]:
        """The values of the readings, to be validated."""
        return {
            "clips": tuple(files),
            "words": facts.get("words"),
            "settings": facts.get("settings"),
        }


class TokenReading(TypedDict):
    """A token of a text, how likely it is, and when it is spoken, approximately.

    Times are None where a stage of a cascade does not see the video.
    """

    text: str
    log_probability: Finite
    start_seconds: Finite | None
    end_seconds: Finite | None


class TextReading(TypedDict):
    """A text with its length-normalized log-probability, and whether the reader ended it."""

    text: str
    score: Finite
    finished: bool


class StageTextFacts(TypedDict):
    """What one stage of a cascade reads."""

    stage: Annotated[str, Field(max_length=20)]
    score: Finite
    finished: bool
    tokens: list[TokenReading]


class OracleText(TypedDict):
    """The characters that a cascade reads with the true texts of these stages."""

    true_stages: list[Annotated[str, Field(max_length=20)]]
    text: str
    error_rate: Finite


class CascadeFacts(TypedDict):
    """What a cascade says beside its text.

    ``pinyin`` has syllables with tone numbers, where the cascade reads both; ``aligned`` says whether
    all stages have equally many tokens. ``oracles`` is empty without a transcript.
    """

    stages: list[StageTextFacts]
    pinyin: list[str]
    aligned: bool
    oracles: list[OracleText]


class ClipFileFacts(TypedDict):
    """What a clip file shows; ``box`` is left, top, width and height in pixels."""

    seconds: Finite
    frames: Count
    frames_per_second: Finite
    mel_frames: Count
    width: Count
    height: Count
    rotation: int
    faces: Count
    box: Annotated[list[Count], Field(min_length=4, max_length=4)]
    remarks: list[Annotated[str, Field(max_length=100)]]


class ClipReadingFacts(TypedDict):
    """What a reader made of one clip; its attention is a part of the response.

    ``file`` is None for a stored clip, ``error_rate`` without a transcript, ``cascade`` of a reader
    of one stage. ``remarks`` are codes of what makes the text doubtful.
    """

    best: TextReading
    tokens: list[TokenReading]
    alternatives: list[TextReading]
    error_rate: Finite | None
    file: ClipFileFacts | None
    cascade: CascadeFacts | None
    remarks: list[Annotated[str, Field(max_length=100)]]


class ClipProblem(TypedDict):
    """Why a clip was not read."""

    code: Annotated[str, Field(max_length=100)]
    detail: Detail
    remedy: Detail | None


class ClipAnswer(TypedDict):
    """What a reader made of a clip, or why it did not read it: one of both is None."""

    reading: ClipReadingFacts | None
    problem: ClipProblem | None
