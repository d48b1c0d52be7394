"""Edges of a measured layer, from its resident features or from recomputed ones."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from service.core.catalog.layer_selection import LayerSelectionParams
from workers.methods.layer_selection.maths import WideFeatures, edges_of_wide
from workers.methods.layer_selection.reading import LayerFeatures, Side
from workers.torchkit.attribution.features import Slope, as_feature
from workers.torchkit.similarity.edges import Edges, draw_edges
from workers.torchkit.similarity.wide_products import resident_probes


@dataclass(frozen=True)
class Recompute:
    """How features that do not fit in memory are recomputed: in batches, within a budget."""

    probes: UInt8[Tensor, "probe side side 3"]
    batch_size: int
    budget_bytes: int

    def features(
        self, side: Side, layer: LayerFeatures, start: int, stop: int
    ) -> Float[Tensor, "some unit"]:
        """Features of a range of probes, from forward passes up to the layer; 0 for invalid ones."""
        features = torch.empty(stop - start, layer.units)
        for first in range(start, stop, self.batch_size):
            images = self.probes[first : min(first + self.batch_size, stop)]
            with torch.no_grad():
                value = side.network.read(side.inputs(images), [layer.name], slope=Slope.EXACT)
            rows = as_feature(value[layer.name], layer.name, len(images))
            features[first - start : first - start + len(images)] = rows.cpu()
        return features.masked_fill_(~layer.mask[start:stop].unsqueeze(1), 0.0)


def edges_of(
    side: Side, layer: LayerFeatures, params: LayerSelectionParams, recompute: Recompute
) -> Edges:
    """Ranked edges of one layer; releases its features."""
    if layer.resident:
        edges = draw_edges(
            layer.features, layer.mask, centering=params.centering, variant=params.ranks
        )
        layer.drop_features()
        return edges
    resident = resident_probes(
        recompute.budget_bytes, units=layer.units, least=recompute.batch_size
    )

    def read(start: int, stop: int) -> Tensor:
        return recompute.features(side, layer, start, stop)

    return edges_of_wide(
        WideFeatures(read, resident), layer.mask, centering=params.centering, variant=params.ranks
    )
