"""Card of ``depara``: the graph of one network on one probe set."""

from collections.abc import Mapping

from pydantic import Field

from service.core.catalogue.card import Audience, Family, Inputs, MethodCard, Params
from service.core.catalogue.measurement import (
    Attribution,
    Centring,
    Channel,
    Metric,
    Precision,
    RankVariant,
    Spectrum,
    Target,
)


class DeparaInputs(Inputs):
    """One network, seen through one probe set."""

    model_id: str
    dataset_id: str


class DeparaParams(Params):
    """Settings of a measurement; graphs are comparable only when all of them agree.

    ``grid`` is the side of the canonical square; None takes the probe set's own.
    ``layer`` None means the network's feature layer. ``min_valid`` is the smallest share of
    probes with a usable map below which the network is called degenerate.
    """

    attribution: Attribution = Attribution.GRADIENT_X_INPUT
    target: Target = Target.L2
    channel: Channel = Channel.MEAN
    centring: Centring = Centring.CENTRED
    spectrum: Spectrum = Spectrum.NATURAL
    ranks: RankVariant = RankVariant.MIDRANK
    precision: Precision = Precision.FASTEST_FAITHFUL
    grid: int | None = Field(None, ge=4, le=1024)
    layer: str | None = Field(None, max_length=300)
    min_valid: float = Field(0.9, gt=0, le=1)
    seed: int = Field(0, ge=0, lt=2**63)


# λ of a metric unless another is asked for; metrics that are not here have no edges.
EDGE_WEIGHTS: Mapping[str, float] = {Metric.DEPARA: 0.25, Metric.DEPARA_PLUS: 4.0}


def settings_of(metric: str, given: DeparaParams) -> DeparaParams:
    """What a metric measures with: the settings given, but flattened edges for ``depara_plus``."""
    if metric != Metric.DEPARA_PLUS:
        return given
    return given.model_copy(update={"spectrum": Spectrum.FLATTENED})


CARD = MethodCard(
    name="depara",
    title="DEPARA graph: attribution maps as nodes, feature similarities as edges",
    family=Family.TRANSFERABILITY,
    audience=Audience.PUBLIC,
    version=1,
    source="Song et al., DEPARA: Deep Attribution Graph for Deep Knowledge Transferability, CVPR 2020",
    inputs=DeparaInputs,
    params=DeparaParams,
    result="a graph, cached by network, probe set and settings",
)
