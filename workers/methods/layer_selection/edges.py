"""Edges of a layer that was seen: from its features if they were kept, else from new ones."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from service.core.catalogue.layer_selection import LayerSelectionParams
from workers.methods.layer_selection.looking import Seen, Side
from workers.methods.layer_selection.maths import WideFeatures, edges_of_wide
from workers.torchkit.edges import Edges, draw_edges
from workers.torchkit.features import Slope, as_feature
from workers.torchkit.wide_products import resident_probes


@dataclass(frozen=True)
class Again:
    """How features that were not kept are made anew: in batches, within a budget."""

    probes: UInt8[Tensor, "probe side side 3"]
    batch_size: int
    budget_bytes: int

    def features(
        self, side: Side, seen: Seen, start: int, stop: int
    ) -> Float[Tensor, "some unit"]:
        """Features of a range of probes by forward passes that end at the layer; invalid are 0."""
        found = torch.empty(stop - start, seen.units)
        for first in range(start, stop, self.batch_size):
            images = self.probes[first : min(first + self.batch_size, stop)]
            with torch.no_grad():
                value = side.network.read(side.inputs(images), [seen.layer], slope=Slope.EXACT)
            rows = as_feature(value[seen.layer], seen.layer, len(images))
            found[first - start : first - start + len(images)] = rows.cpu()
        return found.masked_fill_(~seen.mask[start:stop].unsqueeze(1), 0.0)


def edges_of(side: Side, seen: Seen, params: LayerSelectionParams, again: Again) -> Edges:
    """Ranked edges of one layer; its features are let go of."""
    if seen.kept:
        edges = draw_edges(
            seen.features, seen.mask, centering=params.centring, variant=params.ranks
        )
        seen.forget()
        return edges
    resident = resident_probes(again.budget_bytes, units=seen.units, least=again.batch_size)

    def read(start: int, stop: int) -> Tensor:
        return again.features(side, seen, start, stop)

    return edges_of_wide(
        WideFeatures(read, resident), seen.mask, centering=params.centring, variant=params.ranks
    )
