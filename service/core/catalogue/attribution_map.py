"""Card of ``attribution_map``: heat maps of one network on chosen images."""

from enum import StrEnum

from pydantic import Field

from service.core.catalogue.card import Audience, Family, Inputs, MethodCard, Params
from service.core.catalogue.measurement import Attribution, Channel, Target


class Style(StrEnum):
    """How a heat map is drawn."""

    SIGNED = "signed"
    ABSOLUTE = "absolute"
    OVERLAY = "overlay"


class AttributionMapInputs(Inputs):
    """One network and the images to explain."""

    model_id: str
    dataset_id: str
    indices: tuple[int, ...] = Field(min_length=1, max_length=64)


class AttributionMapParams(Params):
    """Knobs of a heat map. ``layer`` None means the network's feature layer."""

    attribution: Attribution = Attribution.GRADIENT_X_INPUT
    target: Target = Target.L2
    channel: Channel = Channel.MEAN
    layer: str | None = Field(None, max_length=300)
    style: Style = Style.OVERLAY
    seed: int = Field(0, ge=0, lt=2**63)


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
