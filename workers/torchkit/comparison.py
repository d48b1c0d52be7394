"""One target against many others: both similarities and how far they may move with other probes.

Axes: ``probe`` one image, ``edge`` one pair of probes, ``replicate`` one redrawn probe set.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int32
from torch import Tensor

from service.core.catalogue.measurement import RankVariant
from service.core.errors import MethodError
from workers.torchkit.bootstrap import (
    EdgeSide,
    Spread,
    edge_side,
    resampled_edges,
    resampled_nodes,
    resampled_weights,
    spread_of,
)
from workers.torchkit.edges import present_edges, rank_edges
from workers.torchkit.similarity import edge_similarity


class DegenerateTargetError(MethodError):
    """Too few probes have a usable map of the target: nothing can be compared with it."""

    code = "target_degenerate"


@dataclass(frozen=True)
class Parts:
    """Node and edge similarity over the common probes, and their spread over redrawn ones."""

    node_similarity: float
    edge_similarity: float
    spread: Spread


@dataclass(frozen=True)
class RankedEdges:
    """One side's edges: doubled ranks, and the probes they were ranked among."""

    ranks: Int32[Tensor, " edge"]
    mask: Bool[Tensor, " probe"]


@dataclass(frozen=True)
class _Side:
    """The target prepared for others that have the same probes in common with it."""

    ranks: Int32[Tensor, " edge"]
    weights: Float[Tensor, "replicate probe"]
    edges: EdgeSide


class Comparison:
    """Everything of the target that is computed once, and once more per new set of probes.

    Every set of common probes is redrawn from the same ``seed``, so the order of the others does
    not matter.
    """

    def __init__(
        self, target: RankedEdges, *, variant: RankVariant, replicates: int, seed: int
    ) -> None:
        self._target = target
        self._variant = variant
        self._replicates = replicates
        self._seed = seed
        self._sides: dict[bytes, _Side] = {}

    def common(self, mask: Bool[Tensor, " probe"]) -> Bool[Tensor, " probe"]:
        """Probes valid for the target and for ``mask``'s owner."""
        return self._target.mask & mask

    def parts(self, cosines: Float[Tensor, " probe"], other: RankedEdges) -> Parts:
        """Similarities to the target, from map cosines of all probes and the other's edges."""
        common = self.common(other.mask)
        side = self._side(common)
        ranks = self._among(other, common)
        return Parts(
            float(cosines[common].double().mean()),
            float(edge_similarity(side.ranks, ranks)),
            spread_of(
                resampled_nodes(cosines, side.weights),
                resampled_edges(side.edges, edge_side(ranks, side.weights), side.weights),
            ),
        )

    def _side(self, common: Tensor) -> _Side:
        key = common.numpy().tobytes()
        if key not in self._sides:
            self._sides = {key: self._prepared(common)}
        return self._sides[key]

    def _prepared(self, common: Tensor) -> _Side:
        generator = torch.Generator().manual_seed(self._seed)
        weights = resampled_weights(common, replicates=self._replicates, generator=generator)
        ranks = self._among(self._target, common)
        return _Side(ranks, weights, edge_side(ranks, weights))

    def _among(self, one: RankedEdges, common: Tensor) -> Tensor:
        """Ranks among the common probes; as they are where those are all it has."""
        if torch.equal(one.mask, common):
            return one.ranks
        return rank_edges(one.ranks, present_edges(common), variant=self._variant)
