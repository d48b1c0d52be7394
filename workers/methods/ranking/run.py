"""Compares one target with candidates, one at a time, and says how far each score may move."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from service.core.catalogue.measurement import RankVariant
from service.core.catalogue.ranking import RankingParams
from service.core.errors import MethodError
from workers.contract import Report
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
from workers.torchkit.graphs import GraphSource, GraphStatus, require_comparable, usable
from workers.torchkit.similarity import edge_similarity, probe_cosines


class DegenerateTargetError(MethodError):
    """Too few probes have a usable map of the target: nothing can be compared with it."""

    code = "target_degenerate"


@dataclass(frozen=True)
class Inputs:
    """The target's graph and the candidates', which may be read from files as they come.

    Attributes:
        count: Number of candidates, for the progress report.
        min_valid: Smallest share of probes that must be valid for both.
    """

    target: GraphSource
    candidates: Iterable[GraphSource]
    count: int
    min_valid: float = 0.9
    ranks: RankVariant = RankVariant.MIDRANK


@dataclass(frozen=True)
class Item:
    """One candidate against the target.

    Attributes:
        status: What the candidate's own measurement said.
        valid_probes: Probes valid for both.
        node_similarity: s_V; None, as the rest, when too few probes are valid for both.
        edge_similarity: s_E.
        spread: Variances and covariance of the two over redrawn probes.
    """

    model_id: str
    status: GraphStatus
    valid_probes: int
    node_similarity: float | None = None
    edge_similarity: float | None = None
    spread: Spread | None = None


@dataclass(frozen=True)
class Result:
    """Parts of every score, in the order of the candidates; order them for any edge weight."""

    target_id: str
    target_status: GraphStatus
    items: tuple[Item, ...]


@dataclass(frozen=True)
class _Side:
    """The target prepared for candidates that have these valid probes in common with it."""

    common: Bool[Tensor, " probe"]
    ranks: Tensor
    weights: Float[Tensor, "replicate probe"]
    edges: EdgeSide


def run(inputs: Inputs, params: RankingParams, report: Report) -> Result:
    """Compare the target with every candidate but itself. Raises DegenerateTargetError."""
    target = inputs.target
    if not usable(target):
        raise DegenerateTargetError(
            f"{target.model_id} has too few usable probes",
            remedy="choose another target, another feature layer or other probes",
        )
    comparison = _Comparison(inputs, params)
    items = []
    for step, candidate in enumerate(inputs.candidates, start=1):
        if candidate.model_id != target.model_id:
            items.append(comparison.item(candidate))
        report(step, inputs.count)
    return Result(target.model_id, target.status, tuple(items))


class _Comparison:
    """Everything of the target that is computed once, and once more per new set of probes."""

    def __init__(self, inputs: Inputs, params: RankingParams) -> None:
        self._inputs = inputs
        self._params = params
        self._maps = inputs.target.read_maps().float()
        self._sides: dict[bytes, _Side] = {}

    def item(self, candidate: GraphSource) -> Item:
        """One candidate's similarities and their spread."""
        target = self._inputs.target
        require_comparable(target, candidate)
        common = target.mask & candidate.mask
        valid = int(common.sum())
        if not usable(candidate) or valid < self._inputs.min_valid * len(common):
            return Item(candidate.model_id, candidate.status, valid)
        cosines = probe_cosines(self._maps, candidate.read_maps().float())
        side = self._side(common)
        ranks = self._ranks(candidate, common)
        return Item(
            candidate.model_id,
            candidate.status,
            valid,
            float(cosines[common].double().mean()),
            float(edge_similarity(side.ranks, ranks)),
            self._spread(cosines, side, ranks),
        )

    def _spread(self, cosines: Tensor, side: _Side, ranks: Tensor) -> Spread:
        edges = edge_side(ranks, side.weights)
        return spread_of(
            resampled_nodes(cosines, side.weights),
            resampled_edges(side.edges, edges, side.weights),
        )

    def _side(self, common: Tensor) -> _Side:
        key = common.numpy().tobytes()
        if key not in self._sides:
            self._sides = {key: self._prepared(common)}
        return self._sides[key]

    def _prepared(self, common: Tensor) -> _Side:
        """Every set of common probes is redrawn from the same seed, so order does not matter."""
        generator = torch.Generator().manual_seed(self._params.seed)
        weights = resampled_weights(
            common, replicates=self._params.replicates, generator=generator
        )
        ranks = self._ranks(self._inputs.target, common)
        return _Side(common, ranks, weights, edge_side(ranks, weights))

    def _ranks(self, graph: GraphSource, common: Tensor) -> Tensor:
        """A graph's ranks among the common probes; as stored where that is all it has."""
        ranks = graph.read_ranks()
        if torch.equal(graph.mask, common):
            return ranks
        return rank_edges(ranks, present_edges(common), variant=self._inputs.ranks)
