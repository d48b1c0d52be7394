"""The result of ingesting a dataset."""

from typing import Annotated, Self

from pydantic import Field, ValidationInfo, model_validator

from service.core.results.base import (
    Code,
    Count,
    Facts,
    FileName,
    JobResult,
    NonNegative,
    ProblemFacts,
    Sha256,
    Share,
    ShortText,
    SmallCount,
    Text,
    scope_of,
)

Label = Text
Labels = Annotated[tuple[Label, ...], Field(max_length=100_000)]
Syllable = Annotated[str, Field(pattern=r"^[a-z]{1,6}[1-5]$")]


class ImageProblemFacts(ProblemFacts):
    """Why one file, or the whole upload if the name is empty, cannot be used."""

    name: Text


class NoteFacts(Facts):
    """A remark on an accepted or rejected upload; the first of ``count`` files are in ``names``."""

    code: Code
    detail: Text
    count: SmallCount
    names: tuple[Text, ...] = Field(max_length=100)


class PackedFileFacts(Facts):
    """The position of a file's bytes in the packed file, and their digest."""

    start: Count
    length: Count
    sha256: Sha256


class ImageFacts(Facts):
    """One image: its bytes and those of its mask in the packed file, and what they are."""

    name: Text
    label: Label | Labels | None
    sha256: Sha256
    media_type: Annotated[str, Field(pattern=r"^image/[a-z0-9.+-]{1,40}$")]
    start: Count
    length: Count
    width: SmallCount
    height: SmallCount
    mask: PackedFileFacts | None = None

    @property
    def ends(self) -> tuple[int, ...]:
        """Where its bytes, and those of its mask, end in the packed file."""
        ends = self.start + self.length
        return (ends,) if self.mask is None else (ends, self.mask.start + self.mask.length)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels: none, one or several."""
        if isinstance(self.label, tuple):
            return self.label
        return () if self.label is None else (self.label,)


class PackedPartFacts(Facts):
    """Some bytes of the packed file, and their digest."""

    sha256: Sha256
    start: Count
    length: Annotated[Count, Field(ge=1)]


class ClipFacts(Facts):
    """One clip: its facts, and where its tensors and pictures are in the packed file.

    ``sha256`` is the digest of the uploaded file; without a transcript ``transcript`` is empty; ``box`` is the crop in the poster: left, top,
    width and height in pixels of the upright frames.
    """

    name: Text
    sha256: Sha256
    transcript: Text
    pinyin: Annotated[tuple[Syllable, ...], Field(max_length=10_000)] | None
    speaker: ShortText | None
    seconds: NonNegative
    frames: Annotated[SmallCount, Field(ge=1)]
    frames_per_second: NonNegative
    mel_frames: SmallCount
    width: SmallCount
    height: SmallCount
    rotation: Annotated[int, Field(ge=-360, le=360)]
    faces: SmallCount
    box: tuple[SmallCount, SmallCount, SmallCount, SmallCount]
    remarks: Annotated[tuple[Code, ...], Field(max_length=100)]
    tensors: PackedPartFacts
    poster: PackedPartFacts
    mel_picture: PackedPartFacts | None

    @property
    def parts(self) -> tuple[PackedPartFacts, ...]:
        """All parts of the packed file that belong to the clip."""
        parts = (self.tensors, self.poster, self.mel_picture)
        return tuple(part for part in parts if part is not None)


class AppearanceFacts(Facts):
    """Mean and deviation of every feature of the images' looks."""

    means: tuple[Share, ...] = Field(max_length=100)
    deviations: tuple[Share, ...] = Field(max_length=100)

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if len(self.means) != len(self.deviations):
            raise ValueError("give a deviation for every mean")
        return self


class IngestedDataset(JobResult):
    """The images or clips of an upload, or the problems for which it is rejected.

    Without ``packed_file`` it is rejected; ``canonical_file`` is None for datasets too large for a
    probe set,
    ``masks_file`` for datasets without masks.
    """

    problems: tuple[ImageProblemFacts, ...] = Field(max_length=100_000)
    notes: tuple[NoteFacts, ...] = Field(max_length=10_000)
    images: tuple[ImageFacts, ...] = Field(max_length=10_000_000)
    clips: tuple[ClipFacts, ...] = Field((), max_length=1_000_000)
    labels: tuple[Label, ...] | None = Field(max_length=1_000_000)
    manifest_sha256: Sha256 | None
    packed_file: FileName | None
    canonical_file: FileName | None
    canonical_side: Annotated[SmallCount, Field(ge=1)] | None
    appearance: AppearanceFacts | None = None
    masks_file: FileName | None

    @model_validator(mode="after")
    def _accepted_or_rejected(self) -> Self:
        accepted = self.packed_file is not None
        has_items = bool(self.images) is not bool(self.clips)
        if (self.images and self.clips) or accepted is not has_items:
            raise ValueError("give images or clips, and packed_file, together or not at all")
        if accepted is not (self.manifest_sha256 is not None):
            raise ValueError("give manifest_sha256 and packed_file together or not at all")
        if not accepted and not self.problems:
            raise ValueError("name the problems of a rejected dataset")
        if (self.canonical_file is None) is not (self.canonical_side is None):
            raise ValueError("give canonical_file and canonical_side together or not at all")
        if self.masks_file is not None and (self.canonical_file is None or self.labels is None):
            raise ValueError("give masks_file with canonical_file and labels")
        if any((image.mask is None) is not (self.masks_file is None) for image in self.images):
            raise ValueError("give masks_file and the mask of every image together or not at all")
        return self

    @model_validator(mode="after")
    def _all_or_no_clips_have_transcripts(self) -> Self:
        if len({bool(clip.transcript) for clip in self.clips}) > 1:
            raise ValueError("give every clip a transcript, or none")
        return self

    @model_validator(mode="after")
    def _labels_are_listed(self) -> Self:
        listed = set(self.labels or ())
        if any(label not in listed for image in self.images for label in image.labels):
            raise ValueError("labels must list the labels of every image")
        return self

    @model_validator(mode="after")
    def _labels_are_alike(self) -> Self:
        kinds = {type(image.label) for image in self.images if image.label is not None}
        if len(kinds) > 1:
            raise ValueError("every image must have one label, or every image a list of them")
        return self

    @model_validator(mode="after")
    def _items_lie_in_the_packed_file(self, info: ValidationInfo) -> Self:
        scope = scope_of(info)
        if scope is None or self.packed_file is None:
            return self
        size = scope.file_sizes[self.packed_file]
        if any(end > size for image in self.images for end in image.ends):
            raise ValueError("images and masks must lie inside of packed_file")
        parts = (part for clip in self.clips for part in clip.parts)
        if any(part.start + part.length > size for part in parts):
            raise ValueError("clips must lie inside of packed_file")
        return self

    def file_names(self) -> frozenset[str]:
        """The packed images or clips, and the canonical frames and masks if there are any."""
        names = (self.packed_file, self.canonical_file, self.masks_file)
        return frozenset(name for name in names if name)
