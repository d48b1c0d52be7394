"""Card of ``attribution_map``: heat maps of one network on chosen images."""

from enum import StrEnum

from pydantic import Field

from service.core.catalogue.card import (
    Audience,
    DatasetId,
    Family,
    Inputs,
    LayerName,
    MethodCard,
    ModelId,
    Params,
)
from service.core.catalogue.measurement import Attribution, Channel, Target


class Style(StrEnum):
    """How a heat map is drawn."""

    SIGNED = "signed"
    ABSOLUTE = "absolute"
    OVERLAY = "overlay"


class AttributionMapInputs(Inputs):
    """One network and the images to explain."""

    model_id: ModelId
    """The network to explain."""
    dataset_id: DatasetId
    """The set that holds the images."""
    indices: tuple[int, ...] = Field(min_length=1, max_length=64)
    """Positions of the images in the set, from 0."""


class AttributionMapParams(Params):
    """Knobs of a heat map."""

    attribution: Attribution = Attribution.GRADIENT_X_INPUT
    """How the contribution of a pixel is computed."""
    target: Target = Target.L2
    """The scalar of the layer's answer that is differentiated."""
    channel: Channel = Channel.MEAN
    """How the colour planes of a map become one."""
    layer: LayerName | None = None
    """The layer that is asked; None means the network's feature layer."""
    style: Style = Style.OVERLAY
    """How the map is drawn."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Of the noise, for attributions that draw any."""


CARD = MethodCard(
    name="attribution_map",
    title="Attribution maps of a network on chosen images",
    family=Family.TRANSFERABILITY,
    audience=Audience.PUBLIC,
    version=1,
    source="Song et al., Deep Model Transferability from Attribution Maps, NeurIPS 2019",
    inputs=AttributionMapInputs,
    params=AttributionMapParams,
    result="one PNG per image and the maps as safetensors",
)
