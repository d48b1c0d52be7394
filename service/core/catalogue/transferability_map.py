"""Card of ``transferability_map``: how all measured networks of a probe set relate."""

from enum import StrEnum

from pydantic import Field

from service.core.catalogue.card import Audience, Family, Inputs, MethodCard, Params
from service.core.catalogue.depara import DeparaParams


class Linkage(StrEnum):
    """How the task tree joins groups; the papers use single linkage."""

    SINGLE = "single"
    AVERAGE = "average"
    WARD = "ward"


class TransferabilityMapInputs(Inputs):
    """The probe set, and the networks to place; None means all that are ready."""

    dataset_id: str
    model_ids: tuple[str, ...] | None = Field(None, max_length=100_000)


class TransferabilityMapParams(Params):
    """Which measurements to compare, and how to draw them. ``edge_weight`` is λ."""

    settings: DeparaParams = DeparaParams()
    edge_weight: float = Field(0.25, ge=0, allow_inf_nan=False)
    linkage: Linkage = Linkage.SINGLE


CARD = MethodCard(
    name="transferability_map",
    title="Similarity matrix, task tree and layout of all networks of a probe set",
    family=Family.TRANSFERABILITY,
    audience=Audience.PUBLIC,
    version=1,
    source="Song et al., NeurIPS 2019 section 3 and CVPR 2020 section 3",
    inputs=TransferabilityMapInputs,
    params=TransferabilityMapParams,
    result="a map: matrix, tree, layout, pictures",
)
