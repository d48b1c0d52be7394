"""Card of ``layer_selection``: where to cut one network for one target."""

from typing import Literal

from pydantic import Field

from service.core.catalog.measurement import Attribution, Centring, Channel, RankVariant, Target
from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    MethodKind,
    MethodSpec,
    Params,
)

LARGEST_PROBE_SET = 2048
OneGradient = Literal[Attribution.GRADIENT_X_INPUT, Attribution.SALIENCY, Attribution.EPSILON_LRP]


class LayerSelectionInputs(JobInputs):
    """The selection to fill; it names both networks, the probes and the layers."""

    selection_id: str
    """The selection to fill."""


class LayerSelectionParams(Params):
    """Settings of the comparison; the words are those of ``depara``.

    The defaults are the paper's for layers: maps by grad × input of half the squared norm, mean
    of absolute values over channels, features not centred.
    """

    attribution: OneGradient = Attribution.GRADIENT_X_INPUT
    """How the contribution of a pixel is computed."""
    target: Target = Target.L2
    """The scalar of a layer's answer that is differentiated."""
    channel: Channel = Channel.ABSMEAN
    """How the colour planes of a map become one."""
    centring: Centring = Centring.RAW
    """Whether features are centred over the probes before edges are drawn."""
    ranks: RankVariant = RankVariant.MIDRANK
    """How tied edges are ranked."""
    grid: int | None = Field(None, ge=4, le=1024)
    """Side of the canonical square in pixels; None takes the probe set's own."""
    min_valid: float = Field(0.9, gt=0, le=1)
    """Share of probes with a usable map below which a layer is called degenerate."""
    replicates: int = Field(200, ge=20, le=10_000)
    """Redrawn probe sets that give the intervals."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Of the redrawn probe sets."""


SPEC = MethodSpec(
    name="layer_selection",
    title="Similarity of every candidate layer of a source network to a target network",
    family=Family.TRANSFERABILITY,
    kind=MethodKind.LAYER_SELECTION,
    audience=Audience.INTERNAL,
    version=1,
    source="Song et al., DEPARA, CVPR 2020, section 3.2 and table 2",
    inputs=LayerSelectionInputs,
    params=LayerSelectionParams,
    result="both parts of every layer's score",
)
