"""The results of measuring networks on images: graphs, heat maps, estimates, layers."""

from itertools import product
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from service.core.catalog.attribution_map import ARCHIVE, MAPS, SHEET, picture_name
from service.core.catalog.measurement import LABEL_SCORES, LabelScore
from service.core.results.base import (
    AskedImageIndex,
    AskedLayer,
    AskedModelId,
    Code,
    Facts,
    FileName,
    JobResult,
    NonNegative,
    Number,
    Share,
    SmallCount,
    Text,
    scope_of,
)
from service.core.results.networks import Shape
from service.core.sketches import SKETCH_SIZE

GRAPH_FILE = "graph.safetensors"

GraphStatusName = Literal["ok", "degenerate", "constant_edges"]


def _is_asked_key(value: str, info: ValidationInfo) -> str:
    scope = scope_of(info)
    if scope is not None and value != scope.comparable_key:
        raise ValueError("it is not the key of the measurement that was asked for")
    return value


class NumericPolicyFacts(Facts):
    """How a pass computed, and how faithful that was."""

    arithmetic: Literal["float32", "bfloat16"]
    layout: Literal["contiguous", "channels_last"]
    map_cosine: Number | None
    feature_cosine: Number | None
    seconds_per_image: NonNegative | None


class GraphTimingFacts(Facts):
    """Seconds of each part of a measurement."""

    maps: NonNegative
    edges: NonNegative
    sketches: NonNegative


class MeasuredGraph(JobResult):
    """What the index must know of a graph, which is a file."""

    comparable_key: Annotated[str, Field(max_length=100), AfterValidator(_is_asked_key)]
    status: GraphStatusName
    detail: Text | None
    valid_probes: SmallCount
    probes: SmallCount
    grid: SmallCount
    sketch: (
        Annotated[
            tuple[Annotated[float, Field(ge=-2, le=2)], ...],
            Field(min_length=SKETCH_SIZE, max_length=SKETCH_SIZE),
        ]
        | None
    )
    policy: NumericPolicyFacts
    timing: GraphTimingFacts

    def file_names(self) -> frozenset[str]:
        """The graph."""
        return frozenset({GRAPH_FILE})


class HeatMapFacts(Facts):
    """One picture: whose, of which image, and whether it shows anything."""

    model_id: AskedModelId
    index: AskedImageIndex
    picture: FileName
    status: Literal["valid", "empty"]

    @model_validator(mode="after")
    def _is_named_after_its_subject(self) -> Self:
        if self.picture != picture_name(self.model_id, self.index):
            raise ValueError(f"picture must be {picture_name(self.model_id, self.index)}")
        return self


class HeatMapNumerics(NumericPolicyFacts):
    """How one network's maps were computed."""

    batch_size: SmallCount


class DrawnHeatMaps(JobResult):
    """One picture of every network and image of the job."""

    images: tuple[HeatMapFacts, ...] = Field(max_length=10_000)
    numerics: dict[AskedModelId, HeatMapNumerics] = Field(max_length=1000)

    @model_validator(mode="after")
    def _every_picture_once(self, info: ValidationInfo) -> Self:
        scope = scope_of(info)
        drawn = sorted((image.model_id, image.index) for image in self.images)
        if scope and drawn != sorted(product(scope.model_ids, scope.image_indices)):
            raise ValueError("images must contain every network and image of the job once")
        return self

    def file_names(self) -> frozenset[str]:
        """All pictures, the sheet, the archive and the maps."""
        pictures = {image.picture for image in self.images}
        return frozenset({*pictures, SHEET, ARCHIVE, MAPS})


class NoScoreFacts(Facts):
    """Why an estimator has no score."""

    code: Code
    detail: Text


class EstimateTimingFacts(Facts):
    """Seconds spent in the network and in the estimators."""

    network: NonNegative
    estimators: NonNegative


class EstimatedTransferability(JobResult):
    """The score of every estimator, or why it has none."""

    images: SmallCount
    classes: SmallCount
    units: SmallCount
    timing: EstimateTimingFacts
    scores: dict[LabelScore, Number | None]
    reasons: dict[LabelScore, NoScoreFacts]

    @model_validator(mode="after")
    def _every_estimator_once(self) -> Self:
        if set(self.scores) != set(LABEL_SCORES):
            raise ValueError("scores must contain every estimator")
        if any(self.scores[name] is not None for name in self.reasons):
            raise ValueError("reasons are for estimators without a score")
        return self


class SpreadFacts(Facts):
    """Variances of both similarities over resampled probes, and their covariance."""

    node_variance: Number | None
    covariance: Number | None
    edge_variance: Number | None


class ComparedLayerFacts(Facts):
    """One layer against the target."""

    layer: AskedLayer
    shape: Shape
    depth: Share
    operations_share: Share | None
    status: Literal["ok", "degenerate", "constant_edges", "unusable"]
    detail: Text | None
    valid_probes: SmallCount
    node_similarity: Number | None
    edge_similarity: Number | None
    spread: SpreadFacts | None


class LayerTimingFacts(Facts):
    """Seconds spent on gradient passes, and on edges and intervals."""

    maps: NonNegative
    edges: NonNegative


class ComparedLayers(JobResult):
    """The parts of every candidate layer's score, and how they were measured."""

    items: tuple[ComparedLayerFacts, ...] = Field(max_length=100_000)
    remade: tuple[AskedLayer, ...] = Field(max_length=100_000)
    batch_size: SmallCount
    grid: SmallCount
    timing: LayerTimingFacts

    @model_validator(mode="after")
    def _every_layer_once(self, info: ValidationInfo) -> Self:
        scope, layers = scope_of(info), sorted(item.layer for item in self.items)
        if scope and layers != sorted(scope.layers):
            raise ValueError("items must contain every candidate layer once")
        return self
