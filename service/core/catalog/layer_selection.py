"""Specification of ``layer_selection``: where to cut one network for one target."""

from typing import Literal

from pydantic import Field

from service.core.catalog.measurement import Attribution, Centering, Channel, RankVariant, Target
from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    MethodKind,
    MethodSpec,
    Params,
)
from service.core.ids import LayerSelectionId

LARGEST_PROBE_SET = 2048
OneGradient = Literal[Attribution.GRADIENT_X_INPUT, Attribution.SALIENCY, Attribution.EPSILON_LRP]


class LayerSelectionInputs(JobInputs):
    """The selection to fill; it names both networks, the probes and the layers."""

    selection_id: LayerSelectionId
    """The selection to fill."""


class LayerSelectionParams(Params):
    """Settings of the comparison, with the terms of ``depara``.

    The defaults are the paper's for layers: maps by gradient × input of half the squared norm, mean
    of absolute values over channels, features not centered.
    """

    attribution: OneGradient = Attribution.GRADIENT_X_INPUT
    """Attribution method."""
    target: Target = Target.L2
    """Scalar of a layer's output that is differentiated."""
    channel: Channel = Channel.ABSMEAN
    """Reduction of the color channels of a map to one."""
    centering: Centering = Centering.RAW
    """Centering of the features over the probes before edges are computed."""
    ranks: RankVariant = RankVariant.MIDRANK
    """Ranking of tied edges."""
    grid: int | None = Field(None, ge=4, le=1024)
    """Height and width of the canonical square in pixels; None uses the probe set's own."""
    min_valid: float = Field(0.9, gt=0, le=1)
    """Smallest share of probes with a usable map; below it a layer counts as degenerate."""
    replicates: int = Field(200, ge=20, le=10_000)
    """Number of bootstrap samples of the probes for the intervals."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Seed for the bootstrap samples."""


SPEC = MethodSpec(
    name="layer_selection",
    title="Compare every candidate layer of a source network with a target network",
    family=Family.TRANSFERABILITY,
    kind=MethodKind.LAYER_SELECTION,
    audience=Audience.INTERNAL,
    version=1,
    source="Song et al., DEPARA, CVPR 2020, section 3.2 and table 2",
    inputs=LayerSelectionInputs,
    params=LayerSelectionParams,
    result="node and edge similarity of every layer",
)
