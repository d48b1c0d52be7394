"""How alike two networks are: attribution maps (nodes), edges, and the two together.

Sources: Song et al., Deep Model Transferability from Attribution Maps, NeurIPS 2019 (below:
"maps paper"); Song et al., DEPARA, CVPR 2020 ("DEPARA").

Axes: ``probe`` one image, ``pixel`` one position of the flattened map, ``edge`` one pair of probes.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int32
from torch import Tensor

from service.core.catalog.measurement import RankVariant
from service.core.errors import InvalidRequestError
from workers.torchkit.similarity.edges import present_edges, rank_edges, standardized_ranks
from workers.torchkit.similarity.graphs import GraphSource, require_comparable


class BadEdgeWeightError(InvalidRequestError):
    """The edge weight λ is negative or not a number."""

    code = "invalid_edge_weight"


@dataclass(frozen=True)
class Pair:
    """Two networks compared; None where too few probes are valid for both.

    ``other`` is the network compared with the target. ``valid_probes`` counts the probes
    valid for both.
    """

    other: str
    node_similarity: float | None
    edge_similarity: float | None
    valid_probes: int


def compare(
    target: GraphSource,
    other: GraphSource,
    *,
    min_valid: float = 0.9,
    variant: RankVariant = RankVariant.MIDRANK,
) -> Pair:
    """Node and edge similarity of two graphs over the probes valid for both.

    Raises NotComparableError if probes or settings differ: nothing is resized silently.
    """
    require_comparable(target, other)
    common = target.mask & other.mask
    valid = int(common.sum())
    if valid < min_valid * len(common):
        return Pair(other.model_id, None, None, valid)
    node = node_similarity(target.read_maps().float(), other.read_maps().float(), common)
    edge = edge_similarity(*common_ranks(target, other, variant=variant))
    return Pair(other.model_id, float(node), float(edge), valid)


def probe_cosines(
    left: Float[Tensor, "probe pixel"], right: Float[Tensor, "probe pixel"]
) -> Float[Tensor, " probe"]:
    """cos(A_i^p, A_j^p) of unit maps, one per probe; 0 where either map is missing."""
    return torch.einsum("np,np->n", left, right)


def node_similarity(
    left: Float[Tensor, "probe pixel"],
    right: Float[Tensor, "probe pixel"],
    common: Bool[Tensor, " probe"],
) -> Float[Tensor, ""]:
    """s_V = (1/n) Σ_p cos(A_i^p, A_j^p), over the n probes valid for both.

    Source: maps paper equation 1 (its d is 1/s_V); DEPARA, node similarity of two graphs.
    """
    cosines = probe_cosines(left, right).double()
    return (cosines * common).sum() / common.sum()


def edge_similarity(
    left: Int32[Tensor, " edge"], right: Int32[Tensor, " edge"]
) -> Float[Tensor, ""]:
    """s_E = ⟨ρ_i, ρ_j⟩: Spearman's correlation of edges; 0 if either side is constant.

    The same edges must be present on both sides.

    Source: DEPARA, edge similarity of two graphs, with middle ranks for ties; the printed formula is
    ``edges.rank_agreement``.
    """
    return standardized_ranks(left).double() @ standardized_ranks(right).double()


def common_ranks(
    left: GraphSource, right: GraphSource, *, variant: RankVariant = RankVariant.MIDRANK
) -> tuple[Int32[Tensor, " edge"], Int32[Tensor, " edge"]]:
    """Ranks of both over their common edges; reranked only if masks differ."""
    ranks = left.read_ranks(), right.read_ranks()
    if torch.equal(left.mask, right.mask):
        return ranks
    common = present_edges(left.mask & right.mask)
    first, second = (rank_edges(edge_ranks, common, variant=variant) for edge_ranks in ranks)
    return first, second


def score(node_similarity: float, edge_similarity: float, *, edge_weight: float) -> float:
    """Score s = s_V + λ s_E, in [−1−λ, 1+λ].

    Raises:
        BadEdgeWeightError: λ is below 0, infinite or not a number.

    Source: DEPARA, similarity of two graphs.
    """
    return node_similarity + require_edge_weight(edge_weight) * edge_similarity


def require_edge_weight(edge_weight: float) -> float:
    """λ unchanged. Raises BadEdgeWeightError if it is below 0, infinite or not a number."""
    if not (math.isfinite(edge_weight) and edge_weight >= 0):
        raise BadEdgeWeightError(
            f"the edge weight {edge_weight} is not a number ≥ 0",
            remedy="use 0 for attribution maps alone, 0.25 for DEPARA on tasks",
        )
    return edge_weight


def distance(similarity: float) -> float:
    """Distance d = 1/s where s > 0, else infinity; rank by s, never by d.

    Source: maps paper equation 1, d = n / Σ cos, which changes sign where s does.
    """
    return 1.0 / similarity if similarity > 0 else math.inf


def ranked(target: str, pairs: Iterable[Pair], *, edge_weight: float) -> list[Pair]:
    """The other networks, most transferable first; those without a score last.

    The target is excluded by its id. Ties are broken by node similarity, then by id, so equal
    inputs give equal orders.
    """
    require_edge_weight(edge_weight)
    others = [pair for pair in pairs if pair.other != target]
    return sorted(others, key=lambda pair: _order(pair, edge_weight))


def _order(pair: Pair, edge_weight: float) -> tuple[float, float, str]:
    if pair.node_similarity is None or pair.edge_similarity is None:
        return math.inf, math.inf, pair.other
    total_score = score(pair.node_similarity, pair.edge_similarity, edge_weight=edge_weight)
    return -total_score, -pair.node_similarity, pair.other
