"""Specification of ``depara``: the attribution graph of one network on one probe set."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field

from service.core.catalog.measurement import (
    Attribution,
    Centering,
    Channel,
    Metric,
    Nodes,
    Precision,
    RankVariant,
    Spectrum,
    Target,
)
from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    LayerName,
    MethodKind,
    MethodSpec,
    Params,
)
from service.core.errors import InvalidRequestError
from service.core.ids import DatasetId, ModelId


class DeparaInputs(JobInputs):
    """One network and one probe set."""

    model_id: ModelId
    """The network to measure."""
    dataset_id: DatasetId
    """The probe set."""


class DeparaParams(Params):
    """Settings of a measurement; graphs are comparable only if all of them are equal."""

    attribution: Attribution = Attribution.GRADIENT_X_INPUT
    """Attribution method."""
    target: Target = Target.L2
    """Scalar of the layer's output that is differentiated."""
    channel: Channel = Channel.MEAN
    """Reduction of the color channels of a map to one."""
    centering: Centering = Centering.CENTERED
    """Centering of the features over the probes before edges are computed."""
    spectrum: Spectrum = Spectrum.NATURAL
    """Weight of high-variance feature directions in the edges."""
    ranks: RankVariant = RankVariant.MIDRANK
    """Ranking of tied edges."""
    precision: Precision = Precision.FASTEST_FAITHFUL
    """Number format of the forward and backward pass."""
    grid: int | None = Field(None, ge=4, le=1024)
    """Height and width of the canonical square in pixels; None uses the probe set's own."""
    layer: LayerName | None = None
    """Layer to measure; None means the network's feature layer."""
    min_valid: float = Field(0.9, gt=0, le=1)
    """Smallest share of probes with a usable map; below it the network counts as degenerate."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Seed for the noise of attribution methods that sample."""
    # Absent from dumps by default, so the keys of graphs measured before the field existed stay.
    nodes: Nodes = Field(Nodes.MAPS, exclude_if=lambda nodes: nodes is Nodes.MAPS)
    """Description of a probe: its attribution map, or its row in a matrix that relates all probes."""


# λ of a metric unless another is asked for; metrics that are not here have no edges.
EDGE_WEIGHTS: Mapping[str, float] = {Metric.DEPARA: 0.25, Metric.DEPARA_PLUS: 4.0}


_SETTINGS: Mapping[str, Mapping[str, StrEnum]] = {
    Metric.DEPARA_PLUS: {"spectrum": Spectrum.FLATTENED},
    Metric.RSA: {"nodes": Nodes.RSA},
    Metric.DDS: {"nodes": Nodes.DDS},
    Metric.LINEAR_CKA: {"nodes": Nodes.LINEAR_CKA},
}


def settings_of(metric: str, params: DeparaParams) -> DeparaParams:
    """What a metric measures with: ``params``, and what the metric itself decides."""
    return params.model_copy(update=dict(_SETTINGS.get(metric, {})))


def edge_weight_of(metric: str, requested: float | None) -> float:
    """λ of a metric: what was requested, else its own.

    Raises:
        InvalidRequestError: ``edge_weight_not_supported``: the metric has no edges.
    """
    if metric not in EDGE_WEIGHTS and requested:
        raise InvalidRequestError(
            f"the metric {metric} has no edges",
            code="edge_weight_not_supported",
            remedy="omit edge_weight",
        )
    return EDGE_WEIGHTS.get(metric, 0.0) if requested is None else requested


SPEC = MethodSpec(
    name="depara",
    title="DEPARA graph: attribution maps as nodes, feature similarities as edges",
    family=Family.TRANSFERABILITY,
    kind=MethodKind.GRAPH,
    audience=Audience.PUBLIC,
    version=2,
    source="Song et al., DEPARA: Deep Attribution Graph for Deep Knowledge Transferability, CVPR 2020",
    inputs=DeparaInputs,
    params=DeparaParams,
    result="a graph, cached by network, probe set and settings",
)
