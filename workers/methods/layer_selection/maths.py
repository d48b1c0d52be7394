"""The equations: features of one layer, of any width, to ranked edges.

Source: Song et al., DEPARA, CVPR 2020, equation 4; the block form of the inner products is ours.

Axes: ``probe`` one image, ``unit`` one number of a layer's output F_k.
"""

from dataclasses import dataclass

from jaxtyping import Bool
from torch import Tensor

from service.core.catalog.measurement import Centering, RankVariant
from workers.torchkit.similarity.edges import Edges, edges_of_products
from workers.torchkit.similarity.wide_products import (
    ReadProbes,
    centered_products,
    streamed_products,
)


@dataclass(frozen=True)
class WideFeatures:
    """Features that are recomputed on every read, for ``resident`` probes at a time."""

    read: ReadProbes
    resident: int


def edges_of_wide(
    features: WideFeatures,
    mask: Bool[Tensor, " probe"],
    *,
    centering: Centering,
    variant: RankVariant,
) -> Edges:
    """Ranked cosines of every two valid probes; equal to ``draw_edges`` on all features."""
    gram = streamed_products(features.read, len(mask), resident=features.resident)
    # Raw norms, taken before centering: the yardstick for a vanishing centered feature.
    sizes = gram.diagonal().clamp_min(0).sqrt()
    if centering is Centering.CENTERED:
        gram = centered_products(gram, mask)
    return edges_of_products(gram, sizes, mask, variant=variant)
