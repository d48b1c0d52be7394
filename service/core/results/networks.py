"""What is known of a network, and the results of checking one and of making a reference network."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from service.core.manifest import ModelManifest
from service.core.results.base import (
    Count,
    Facts,
    FileName,
    JobResult,
    NonNegative,
    Number,
    ProblemFacts,
    Share,
    ShortText,
    SmallCount,
)

Shape = Annotated[tuple[SmallCount, ...], Field(max_length=16)]


class LayerFacts(Facts):
    """A layer at which the network can be cut; ``shape`` excludes the batch axis."""

    name: Annotated[ShortText, Field(min_length=1)]
    kind: ShortText
    shape: Shape


class NetworkFacts(Facts):
    """What a check or an export reveals about a network; ``flops`` are those of one image."""

    layers: tuple[LayerFacts, ...] = Field(max_length=100_000)
    feature_layer: ShortText
    parameters: Count
    flops: Count
    output_kind: Literal["vector", "map", "sequence", "other"]
    output_shape: Shape
    batch_norms: SmallCount


class ModelCheckResult(JobResult):
    """The network of an upload, or the problems for which it is rejected.

    ``program`` is None where the upload itself is the program.
    """

    problems: tuple[ProblemFacts, ...] = Field(max_length=1000)
    program: FileName | None
    network: NetworkFacts | None

    @model_validator(mode="after")
    def _accepted_or_rejected(self) -> Self:
        if bool(self.problems) is (self.network is not None):
            raise ValueError("give either problems or a network")
        return self

    def file_names(self) -> frozenset[str]:
        """The program, if it is not the upload."""
        return frozenset() if self.program is None else frozenset({self.program})


class TrainedReferenceNetwork(JobResult):
    """A reference network, with its quality on held-out images."""

    manifest: ModelManifest
    program: FileName
    network: NetworkFacts
    accuracy: Share
    chance: Share
    trained_on: Count
    held_out: Count
    last_loss: Number | None
    seconds: NonNegative

    def file_names(self) -> frozenset[str]:
        """The program."""
        return frozenset({self.program})
