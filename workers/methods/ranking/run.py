"""Compares one target with candidates, one at a time, with the spread of each score."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from service.core.catalog.measurement import Nodes, RankVariant
from service.core.catalog.ranking import RankingParams
from workers.torchkit.protocols import Report
from workers.torchkit.similarity.bootstrap import Spread
from workers.torchkit.similarity.comparison import (
    Comparison,
    DegenerateTargetError,
    RankedEdges,
    SimilarityParts,
)
from workers.torchkit.similarity.graphs import (
    GraphSource,
    MeasurementStatus,
    require_comparable,
    usable,
)
from workers.torchkit.similarity.relations import among
from workers.torchkit.similarity.similarity import probe_cosines


@dataclass(frozen=True)
class RankingData:
    """The graphs of the target and of the candidates, which may be read lazily from files.

    Attributes:
        count: Number of candidates, for the progress report.
        min_valid: Smallest share of probes that must be valid for both.
        nodes: What the maps of the graphs hold.
    """

    target: GraphSource
    candidates: Iterable[GraphSource]
    count: int
    min_valid: float = 0.9
    ranks: RankVariant = RankVariant.MIDRANK
    nodes: Nodes = Nodes.MAPS


@dataclass(frozen=True)
class ComparedGraph:
    """One candidate against the target.

    Attributes:
        status: Status of the candidate's own measurement.
        valid_probes: Probes valid for both.
        node_similarity: s_V; None, like the rest, if too few probes are valid for both.
        edge_similarity: s_E.
        spread: Variances and covariance of the two over resampled probes.
    """

    model_id: str
    status: MeasurementStatus
    valid_probes: int
    node_similarity: float | None = None
    edge_similarity: float | None = None
    spread: Spread | None = None


@dataclass(frozen=True)
class RankingResult:
    """Parts of every score in the order of the candidates, to be ranked for any edge weight."""

    target_id: str
    target_status: MeasurementStatus
    items: tuple[ComparedGraph, ...]


def run(inputs: RankingData, params: RankingParams, report: Report) -> RankingResult:
    """Similarities of every candidate except the target itself. Raises DegenerateTargetError."""
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
    return RankingResult(target.model_id, target.status, tuple(items))


class _Comparison:
    """Comparison of candidates with the target's maps and edges."""

    def __init__(self, inputs: RankingData, params: RankingParams) -> None:
        self._target = inputs.target
        self._min_valid = inputs.min_valid
        self._nodes = inputs.nodes
        self._maps = inputs.target.read_maps().float()
        self._edges = Comparison(
            RankedEdges(inputs.target.read_ranks(), inputs.target.mask),
            variant=inputs.ranks,
            replicates=params.replicates,
            seed=params.seed,
        )

    def item(self, candidate: GraphSource) -> ComparedGraph:
        """One candidate's similarities and their spread."""
        require_comparable(self._target, candidate)
        common = self._edges.common(candidate.mask)
        valid = int(common.sum())
        if not usable(candidate) or valid < self._min_valid * len(common):
            return ComparedGraph(candidate.model_id, candidate.status, valid)
        parts = self._parts(candidate, common)
        return ComparedGraph(
            candidate.model_id,
            candidate.status,
            valid,
            parts.node_similarity,
            parts.edge_similarity,
            parts.spread,
        )

    def _parts(self, candidate: GraphSource, common: Tensor) -> SimilarityParts:
        maps = candidate.read_maps().float()
        edges = RankedEdges(candidate.read_ranks(), candidate.mask)
        if self._nodes is Nodes.MAPS:
            return self._edges.parts(probe_cosines(self._maps, maps), edges)
        left = self._related(self._maps, self._target.mask, common)
        right = self._related(maps, candidate.mask, common)
        return self._edges.parts_of_relations(left, right, edges)

    def _related(self, rows: Tensor, mask: Tensor, common: Tensor) -> Tensor:
        """Relations among the common probes; the stored ones where the masks agree."""
        return rows if torch.equal(mask, common) else among(rows, common, self._nodes)
