"""One target against many networks: both similarities and their spread over resampled probes.

Axes: ``probe`` one image, ``edge`` one pair of probes, ``replicate`` one resampled probe set.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float64, Int32
from torch import Tensor

from service.core.catalog.measurement import RankVariant
from service.core.errors import MethodError
from workers.torchkit.similarity.bootstrap import (
    EdgeSide,
    Spread,
    edge_side,
    resampled_edges,
    resampled_nodes,
    resampled_weights,
    spread_of,
)
from workers.torchkit.similarity.edges import present_edges, rank_edges
from workers.torchkit.similarity.relations import resampled_relations
from workers.torchkit.similarity.similarity import edge_similarity


class DegenerateTargetError(MethodError):
    """Too few probes have a usable map of the target, so nothing can be compared with it."""

    code = "target_degenerate"


@dataclass(frozen=True)
class SimilarityParts:
    """Node and edge similarity over the common probes, and their spread over resampled ones."""

    node_similarity: float
    edge_similarity: float
    spread: Spread


@dataclass(frozen=True)
class RankedEdges:
    """Edges of one network: doubled ranks, and the probes over which they were ranked."""

    ranks: Int32[Tensor, " edge"]
    mask: Bool[Tensor, " probe"]


@dataclass(frozen=True)
class _Side:
    """The target's edges and bootstrap weights for one set of common probes."""

    ranks: Int32[Tensor, " edge"]
    weights: Float[Tensor, "replicate probe"]
    edges: EdgeSide


class Comparison:
    """Compares networks with one target, whose side is computed once per set of common probes.

    Every set of common probes is resampled from the same ``seed``, so results do not depend on
    the order of comparison.
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
        """Probes valid both for the target and in ``mask``."""
        return self._target.mask & mask

    def parts(self, cosines: Float[Tensor, " probe"], other: RankedEdges) -> SimilarityParts:
        """Similarities to the target, from map cosines of all probes and the other's edges."""
        common = self.common(other.mask)
        node = float(cosines[common].double().mean())
        weights = self._side(common).weights
        return self._parts(node, resampled_nodes(cosines, weights), other)

    def parts_of_relations(
        self,
        left: Float[Tensor, "probe probe"],
        right: Float[Tensor, "probe probe"],
        other: RankedEdges,
    ) -> SimilarityParts:
        """Similarities to the target, from both networks' relations among the common probes."""
        common = self.common(other.mask)
        node = float((left * right).sum(dtype=torch.float64) / common.sum())
        weights = self._side(common).weights
        return self._parts(node, resampled_relations(left, right, weights), other)

    def _parts(
        self, node: float, nodes: Float64[Tensor, " replicate"], other: RankedEdges
    ) -> SimilarityParts:
        common = self.common(other.mask)
        side = self._side(common)
        ranks = self._among(other, common)
        # Same weights on both sides: node and edge replicates share their probe sets, which
        # their covariance needs.
        edges = resampled_edges(side.edges, edge_side(ranks, side.weights), side.weights)
        similarity = float(edge_similarity(side.ranks, ranks))
        return SimilarityParts(node, similarity, spread_of(nodes, edges))

    def _side(self, common: Tensor) -> _Side:
        key = common.numpy().tobytes()
        if key not in self._sides:
            # One entry only: most candidates share one mask, and (replicate, probe) weights are large.
            self._sides = {key: self._prepared(common)}
        return self._sides[key]

    def _prepared(self, common: Tensor) -> _Side:
        generator = torch.Generator().manual_seed(self._seed)
        weights = resampled_weights(common, replicates=self._replicates, generator=generator)
        ranks = self._among(self._target, common)
        return _Side(ranks, weights, edge_side(ranks, weights))

    def _among(self, edges: RankedEdges, common: Tensor) -> Tensor:
        """Ranks over the common probes; the stored ranks where the masks agree."""
        if torch.equal(edges.mask, common):
            return edges.ranks
        return rank_edges(edges.ranks, present_edges(common), variant=self._variant)
