"""Card of ``depara``: the graph of one network on one probe set."""

from collections.abc import Mapping

from pydantic import Field

from service.core.catalog.measurement import (
    Attribution,
    Centring,
    Channel,
    Metric,
    Precision,
    RankVariant,
    Spectrum,
    Target,
)
from service.core.catalog.method_spec import (
    Audience,
    DatasetId,
    Family,
    JobInputs,
    LayerName,
    MethodKind,
    MethodSpec,
    ModelId,
    Params,
)


class DeparaInputs(JobInputs):
    """One network, seen through one probe set."""

    model_id: ModelId
    """The network to measure."""
    dataset_id: DatasetId
    """The probe set it is shown."""


class DeparaParams(Params):
    """Settings of a measurement; graphs are comparable only when all of them agree."""

    attribution: Attribution = Attribution.GRADIENT_X_INPUT
    """How the contribution of a pixel is computed."""
    target: Target = Target.L2
    """The scalar of the layer's answer that is differentiated."""
    channel: Channel = Channel.MEAN
    """How the colour planes of a map become one."""
    centring: Centring = Centring.CENTRED
    """Whether features are centred over the probes before edges are drawn."""
    spectrum: Spectrum = Spectrum.NATURAL
    """Whether directions in which features vary much outweigh the others in the edges."""
    ranks: RankVariant = RankVariant.MIDRANK
    """How tied edges are ranked."""
    precision: Precision = Precision.FASTEST_FAITHFUL
    """Number format of the pass."""
    grid: int | None = Field(None, ge=4, le=1024)
    """Side of the canonical square in pixels; None takes the probe set's own."""
    layer: LayerName | None = None
    """Where the network is looked at; None means its feature layer."""
    min_valid: float = Field(0.9, gt=0, le=1)
    """Share of probes with a usable map below which the network is called degenerate."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Of the noise, for attributions that draw any."""


# λ of a metric unless another is asked for; metrics that are not here have no edges.
EDGE_WEIGHTS: Mapping[str, float] = {Metric.DEPARA: 0.25, Metric.DEPARA_PLUS: 4.0}


def settings_of(metric: str, given: DeparaParams) -> DeparaParams:
    """What a metric measures with: the settings given, but flattened edges for ``depara_plus``."""
    if metric != Metric.DEPARA_PLUS:
        return given
    return given.model_copy(update={"spectrum": Spectrum.FLATTENED})


SPEC = MethodSpec(
    name="depara",
    title="DEPARA graph: attribution maps as nodes, feature similarities as edges",
    family=Family.TRANSFERABILITY,
    kind=MethodKind.GRAPH,
    audience=Audience.PUBLIC,
    version=1,
    source="Song et al., DEPARA: Deep Attribution Graph for Deep Knowledge Transferability, CVPR 2020",
    inputs=DeparaInputs,
    params=DeparaParams,
    result="a graph, cached by network, probe set and settings",
)
