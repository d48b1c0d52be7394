"""What is known of a network, and the results of checking one and of making a reference network."""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from service.core.families.sketch import MOST_WEIGHTS, sample_of, sample_size
from service.core.manifest import ModelManifest
from service.core.output_scales import OutputScale
from service.core.results.base import (
    Count,
    Facts,
    FileName,
    JobResult,
    NonNegative,
    Number,
    ProblemFacts,
    Sha256,
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


class OutputFacts(Facts):
    """A tensor that the network returns; ``shape`` excludes the batch axis."""

    name: Annotated[ShortText, Field(min_length=1)]
    shape: Shape


class WeightFacts(Facts):
    """A weight tensor in a sketch; see ``service.core.families.sketch.WeightTensor``."""

    shape: Annotated[tuple[SmallCount, ...], Field(min_length=2, max_length=16)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    norm: NonNegative
    excess: Number
    zeros: Share
    half: bool
    levels: Annotated[int, Field(ge=2, le=256)] | None
    sample: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=684)]

    @model_validator(mode="after")
    def _sample_is_complete(self) -> Self:
        """The sample has as many finite numbers as its shape says."""
        values = sample_of(self.sample)
        if len(values) != sample_size(self.shape) or not all(map(math.isfinite, values)):
            raise ValueError("sample must hold the entries that the shape says, all finite")
        return self


class SketchFacts(Facts):
    """The leading weight tensors of a network, and the number of all other tensors."""

    weights: tuple[WeightFacts, ...] = Field(min_length=1, max_length=MOST_WEIGHTS)
    others: Count


class NetworkFacts(Facts):
    """What a check or an export reveals about a network.

    ``flops`` and ``peak_bytes`` are those of one image; ``gradient_peak_bytes`` is the peak of the
    check's batch with its gradient. ``latency_ms`` is the measured time of one image.
    ``fixed_batch`` is the only number of images that the network
    takes at once; None if it takes any. Of all ``outputs``, methods read ``output``, and
    ``output_scale`` says what its numbers are. Networks with equal ``weights_sha256`` have the same
    weights, whatever these are called. ``sketch`` shows other relatives; None without weights.
    """

    layers: tuple[LayerFacts, ...] = Field(max_length=100_000)
    feature_layer: ShortText
    parameters: Count
    flops: Count
    peak_bytes: Count
    gradient_peak_bytes: Count
    latency_ms: NonNegative | None = None
    output_kind: Literal["vector", "map", "sequence", "other"]
    output_shape: Shape
    batch_norms: SmallCount
    fixed_batch: SmallCount | None = None
    outputs: tuple[OutputFacts, ...] = Field(min_length=1, max_length=10_000)
    output: ShortText
    output_scale: OutputScale
    weights_sha256: Sha256 | None
    sketch: SketchFacts | None = None

    @model_validator(mode="after")
    def _output_is_listed(self) -> Self:
        if self.output not in [output.name for output in self.outputs]:
            raise ValueError("output must be one of outputs")
        return self


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
