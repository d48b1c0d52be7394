"""The result of ingesting a dataset."""

from typing import Annotated, Self

from pydantic import Field, ValidationInfo, model_validator

from service.core.results.base import (
    Count,
    Facts,
    FileName,
    JobResult,
    ProblemFacts,
    Sha256,
    SmallCount,
    Text,
    scope_of,
)

Label = Text


class ImageProblemFacts(ProblemFacts):
    """Why one file, or the whole upload if the name is empty, cannot be used."""

    name: Text


class ImageFacts(Facts):
    """One image: its bytes in the packed file, and what they are."""

    name: Text
    label: Label | None
    sha256: Sha256
    media_type: Annotated[str, Field(pattern=r"^image/[a-z0-9.+-]{1,40}$")]
    start: Count
    length: Count
    width: SmallCount
    height: SmallCount


class IngestedDataset(JobResult):
    """The images of an upload, or the problems for which it is rejected.

    Without ``packed_file`` it is rejected; ``canonical_file`` is None for datasets too large for a
    probe set.
    """

    problems: tuple[ImageProblemFacts, ...] = Field(max_length=100_000)
    images: tuple[ImageFacts, ...] = Field(max_length=10_000_000)
    labels: tuple[Label, ...] | None = Field(max_length=1_000_000)
    manifest_sha256: Sha256 | None
    packed_file: FileName | None
    canonical_file: FileName | None
    canonical_side: Annotated[SmallCount, Field(ge=1)] | None

    @model_validator(mode="after")
    def _accepted_or_rejected(self) -> Self:
        accepted = self.packed_file is not None
        if accepted is not bool(self.images) or accepted is not (self.manifest_sha256 is not None):
            raise ValueError("give images, manifest_sha256 and packed_file together or not at all")
        if not accepted and not self.problems:
            raise ValueError("name the problems of a rejected dataset")
        if (self.canonical_file is None) is not (self.canonical_side is None):
            raise ValueError("give canonical_file and canonical_side together or not at all")
        return self

    @model_validator(mode="after")
    def _labels_are_listed(self) -> Self:
        listed = set(self.labels or ())
        if any(image.label not in listed for image in self.images if image.label is not None):
            raise ValueError("labels must list the label of every image")
        return self

    @model_validator(mode="after")
    def _images_lie_in_the_packed_file(self, info: ValidationInfo) -> Self:
        scope = scope_of(info)
        if scope is None or self.packed_file is None:
            return self
        size = scope.file_sizes[self.packed_file]
        if any(image.start + image.length > size for image in self.images):
            raise ValueError("images must lie inside of packed_file")
        return self

    def file_names(self) -> frozenset[str]:
        """The packed images, and the canonical frames if there are any."""
        return frozenset(name for name in (self.packed_file, self.canonical_file) if name)
