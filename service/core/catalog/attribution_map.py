"""Specification of ``attribution_map``: heat maps of networks on chosen images."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from service.core.catalog.measurement import Attribution, Channel, Target
from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    LayerName,
    MethodKind,
    MethodSpec,
    Params,
)
from service.core.ids import DatasetId, ModelId

MOST_MODELS = 32
MOST_IMAGES = 64
MOST_PICTURES = 256
SHEET = "sheet.png"
ARCHIVE = "heat-maps.zip"
MAPS = "maps.safetensors"


class Style(StrEnum):
    """Drawing style of a heat map."""

    SIGNED = "signed"
    ABSOLUTE = "absolute"
    OVERLAY = "overlay"


class AttributionMapInputs(JobInputs):
    """The networks to explain and the images; at most 256 heat maps in all."""

    model_ids: tuple[ModelId, ...] = Field(min_length=1, max_length=MOST_MODELS)
    """The networks to explain, each once; the rows of the sheet."""
    dataset_id: DatasetId
    """The dataset that contains the images."""
    indices: tuple[int, ...] = Field(min_length=1, max_length=MOST_IMAGES)
    """Positions of the images in the dataset, from 0, each once; the columns of the sheet."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        require_bounded(self.model_ids, self.indices)
        return self


def require_bounded(model_ids: Sequence[str], indices: Sequence[int]) -> None:
    """Let pass what names every image once and makes at most 256 heat maps.

    Raises:
        ValueError: It does not.
    """
    if len(set(indices)) != len(indices):
        raise ValueError("name every image once")
    if len(model_ids) * len(indices) > MOST_PICTURES:
        raise ValueError(
            f"{len(model_ids)} models on {len(indices)} images are more than"
            f" {MOST_PICTURES} heat maps"
        )


def picture_name(model_id: str, index: int) -> str:
    """The name of a heat map among the artifacts of its job."""
    return f"{model_id}_{index:05d}.png"


class AttributionMapParams(Params):
    """Settings of a heat map."""

    attribution: Attribution = Attribution.GRADIENT_X_INPUT
    """Attribution method."""
    target: Target = Target.L2
    """Scalar of the layer's output that is differentiated."""
    channel: Channel = Channel.MEAN
    """Reduction of the color channels of a map to one."""
    layer: LayerName | None = None
    """Layer to explain; None means the network's feature layer."""
    style: Style = Style.OVERLAY
    """Drawing style of the map."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Seed for the noise of attribution methods that sample."""


SPEC = MethodSpec(
    name="attribution_map",
    title="Attribution maps of networks on chosen images",
    family=Family.TRANSFERABILITY,
    kind=MethodKind.HEAT_MAPS,
    audience=Audience.PUBLIC,
    version=2,
    source="Song et al., Deep Model Transferability from Attribution Maps, NeurIPS 2019",
    inputs=AttributionMapInputs,
    params=AttributionMapParams,
    result="one PNG per network and image, a sheet of all, a zip of all, and the maps as safetensors",
)
