"""Requests for heat maps: the networks, the images, the method and the style."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Discriminator, Field, Tag, model_validator

from service.core.catalog.attribution_map import (
    MOST_IMAGES,
    MOST_MODELS,
    AttributionMapParams,
    Style,
    require_bounded,
)
from service.core.catalog.measurement import Attribution
from service.core.ids import DatasetId, ModelId
from service.core.manifest import Strict

Index = Annotated[int, Field(ge=0, lt=2**31)]
LayerText = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00]*$")]


class IndexRange(Strict):
    """Images from ``start`` to ``stop``, excluding ``stop``."""

    start: Index = 0
    stop: Index


def _kind(indices: object) -> str:
    return "range" if isinstance(indices, Mapping | IndexRange) else "list"


Indices = Annotated[
    Annotated[tuple[Index, ...], Field(min_length=1, max_length=MOST_IMAGES), Tag("list")]
    | Annotated[IndexRange, Tag("range")],
    Discriminator(_kind),
]


class HeatMapLook(Strict):
    """Method and style of heat maps."""

    method: Attribution = Attribution.GRADIENT_X_INPUT
    layer: LayerText | None = Field(
        None, description="Layer to explain; the feature layer by default"
    )
    style: Style = Style.OVERLAY

    @property
    def params(self) -> AttributionMapParams:
        """The parameters of the job that computes them."""
        return AttributionMapParams(attribution=self.method, layer=self.layer, style=self.style)


class ModelHeatMapRequest(HeatMapLook):
    """Heat maps of one model on images of a dataset: a list of positions, or a range."""

    dataset_id: DatasetId
    indices: Indices

    @property
    def positions(self) -> tuple[int, ...]:
        """The positions of the images."""
        if isinstance(self.indices, IndexRange):
            return tuple(range(self.indices.start, self.indices.stop))
        return self.indices

    @model_validator(mode="after")
    def _few_images(self) -> Self:
        span = self.indices
        if isinstance(span, IndexRange) and not 0 < span.stop - span.start <= MOST_IMAGES:
            raise ValueError(f"a range holds 1 to {MOST_IMAGES} images")
        require_bounded((), self.positions)
        return self


class HeatMapRequest(ModelHeatMapRequest):
    """Heat maps of models on images of a dataset, at most 256 together."""

    model_ids: tuple[ModelId, ...] = Field(min_length=1, max_length=MOST_MODELS)

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        require_bounded(self.model_ids, self.positions)
        return self
