"""Every network against every other as matrix products, streamed from files.

With u_i the stacked unit maps and ρ_i the standardized ranks, S_V = UUᵀ and S_E = RRᵀ: a pair
costs two inner products, and every file is read once, in blocks of a few probes.

Axes: ``model`` one network, ``value`` one number of a block of stacked vectors.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor
from torch.nn.functional import normalize

from service.core.catalog.measurement import Nodes, RankVariant
from workers.torchkit.protocols import Report, silent
from workers.torchkit.similarity.edges import present_edges, rank_edges, standardized_ranks
from workers.torchkit.similarity.graphs import GraphSource, require_comparable
from workers.torchkit.similarity.relations import among
from workers.torchkit.similarity.similarity import require_edge_weight

_BLOCK_VALUES = 24 * 2**20
_RERANKED_PER_BLOCK = 64


@dataclass(frozen=True)
class Similarities:
    """Node and edge similarity of every pair; NaN where too few probes are valid for both.

    ``valid`` counts the probes valid for both.
    """

    models: tuple[str, ...]
    node: Float64[Tensor, "model model"]
    edge: Float64[Tensor, "model model"]
    valid: Int64[Tensor, "model model"]

    def scores(self, edge_weight: float) -> Float64[Tensor, "model model"]:
        """S = S_V + λ S_E. Raises BadEdgeWeightError."""
        return self.node + require_edge_weight(edge_weight) * self.edge


def all_pairs(
    graphs: Sequence[GraphSource],
    *,
    min_valid: float = 0.9,
    variant: RankVariant = RankVariant.MIDRANK,
    nodes: Nodes = Nodes.MAPS,
    report: Report = silent,
) -> Similarities:
    """Node and edge similarity of every two graphs. Raises NotComparableError."""
    for graph in graphs:
        require_comparable(graphs[0], graph)
    masks = torch.stack([graph.mask for graph in graphs])
    valid = (masks.double() @ masks.double().T).round().long()
    node = node_products(graphs, report=report) / valid.clamp_min(1)
    if nodes is not Nodes.MAPS:
        _fill_relations_across(node, graphs, nodes)
    edge = edge_products(graphs, variant=variant)
    # float16 rounding leaves maps slightly off unit length; self-similarity is 1 by definition.
    node.fill_diagonal_(1.0)
    edge.fill_diagonal_(1.0)
    missing = valid < min_valid * masks.shape[1]
    return Similarities(
        tuple(graph.model_id for graph in graphs),
        node.masked_fill(missing, torch.nan),
        edge.masked_fill(missing, torch.nan),
        valid,
    )


def node_products(
    graphs: Sequence[GraphSource], *, report: Report = silent
) -> Float64[Tensor, "model model"]:
    """Σ_p cos(A_i^p, A_j^p) for every two networks: the Gram matrix of the stacked maps.

    Maps are read as float16, multiplied and summed in float32 within a block, and blocks are
    summed in float64.
    """
    probes, pixels = len(graphs[0].mask), graphs[0].pixels
    step = max(1, _BLOCK_VALUES // (len(graphs) * pixels))

    def rows(start: int, stop: int) -> Iterator[Tensor]:
        return (graph.read_maps(start, stop).reshape(-1) for graph in graphs)

    buffer = torch.empty(len(graphs), min(step, probes) * pixels)
    total = torch.zeros(len(graphs), len(graphs), dtype=torch.float64)
    for start in range(0, probes, step):
        stop = min(start + step, probes)
        block = fill_rows(buffer, rows(start, stop), (stop - start) * pixels)
        add_upper_products(total, block)
        report(stop, probes)
    return mirrored(total)


def edge_products(
    graphs: Sequence[GraphSource], *, variant: RankVariant = RankVariant.MIDRANK
) -> Float64[Tensor, "model model"]:
    """⟨ρ_i, ρ_j⟩ for every two networks; edges are reranked over common probes where masks differ.

    Networks that share a mask take one matrix product. Each pair of different masks takes
    another, after both sides are reranked on the probes they share.
    """
    products = torch.zeros(len(graphs), len(graphs), dtype=torch.float64)
    groups = list(_by_mask(graphs).values())
    for number, group in enumerate(groups):
        index = torch.tensor(group)
        products[index.unsqueeze(1), index] = rank_products([graphs[i] for i in group])
        for other in groups[number + 1 :]:
            common = present_edges(graphs[group[0]].mask & graphs[other[0]].mask)

            def reranked(number: int, common: Tensor = common) -> Tensor:
                ranks = rank_edges(graphs[number].read_ranks(), common, variant=variant)
                return standardized_ranks(ranks)

            _fill_across(products, (group, other), reranked)
    return products


def _fill_relations_across(
    similarities: Float64[Tensor, "model model"], graphs: Sequence[GraphSource], nodes: Nodes
) -> None:
    """Node similarities of networks of different masks, from relations among their common probes."""
    groups = list(_by_mask(graphs).values())
    for number, group in enumerate(groups):
        for other in groups[number + 1 :]:
            common = graphs[group[0]].mask & graphs[other[0]].mask

            def restricted(number: int, common: Tensor = common) -> Tensor:
                rows = among(graphs[number].read_maps(), common, nodes)
                return normalize(rows.reshape(-1), dim=0)

            _fill_across(similarities, (group, other), restricted)


def rank_products(graphs: Sequence[GraphSource]) -> Float64[Tensor, "model model"]:
    """⟨ρ_i, ρ_j⟩ of networks that share one mask, in one pass over their ranks.

    Doubled ranks of m edges have mean m + 1, ties or not, so centering needs no separate pass;
    the norms are the diagonal of the product.
    """
    present = present_edges(graphs[0].mask)
    count = int(present.sum())
    step = max(1, _BLOCK_VALUES // len(graphs))
    buffer = torch.empty(len(graphs), min(step, len(present)))
    total = torch.zeros(len(graphs), len(graphs), dtype=torch.float64)
    for start in range(0, len(present), step):
        here = present[start : start + step]
        rows = (graph.read_ranks(start, start + step) for graph in graphs)
        block = fill_rows(buffer, rows, len(here))
        # (model, edge): (2r − (m+1)) / (m+1) lies in (−1, 1), which keeps float32 sums accurate.
        block.sub_(count + 1).div_(count + 1).mul_(here)
        add_upper_products(total, block)
    return _as_correlations(mirrored(total))


def fill_rows(
    buffer: Float[Tensor, "model capacity"], rows: Iterator[Tensor], width: int
) -> Float[Tensor, "model value"]:
    """The first ``width`` columns of the buffer, overwritten with ``rows`` as float32."""
    block = buffer[:, :width]
    for target, row in zip(block, rows, strict=True):
        target.copy_(row)
    return block


def add_upper_products(
    total: Float64[Tensor, "model model"], block: Float[Tensor, "model value"]
) -> None:
    """Adds BBᵀ on and above the diagonal, tile by tile; ``mirrored`` fills the rest later."""
    # Four tiles: thinner ones skip more redundant entries, but their products run slower.
    tile = max(128, -(-len(block) // 4))
    for top in range(0, len(block), tile):
        rows = block[top : top + tile]
        total[top : top + tile, top:] += rows @ block[top:].T


def mirrored(total: Float64[Tensor, "model model"]) -> Float64[Tensor, "model model"]:
    """The symmetric matrix with the upper triangle of ``total``."""
    upper = total.triu()
    return upper + upper.triu(1).T


def _as_correlations(gram: Float64[Tensor, "model model"]) -> Float64[Tensor, "model model"]:
    """Products divided by norms; rows of constant edges become 0."""
    norms = gram.diagonal().clamp_min(0).sqrt()
    inverse = torch.where(norms > 0, 1.0 / norms, 0.0)
    return gram * inverse.unsqueeze(0) * inverse.unsqueeze(1)


def _by_mask(graphs: Sequence[GraphSource]) -> dict[bytes, list[int]]:
    """Indices of the graphs that share each mask, in order of first appearance."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    for number, graph in enumerate(graphs):
        groups[graph.mask.numpy().tobytes()].append(number)
    return groups


def _fill_across(
    products: Float64[Tensor, "model model"],
    groups: tuple[list[int], list[int]],
    vector: Callable[[int], Tensor],
) -> None:
    """Products between two groups of different masks, of their vectors over the common probes."""
    left, right = groups
    for rows in _chunks(left):
        first = _stacked(rows, vector)
        for columns in _chunks(right):
            block = (first @ _stacked(columns, vector).T).double()
            across = torch.tensor(rows).unsqueeze(1), torch.tensor(columns)
            products[across] = block
            products[across[1].unsqueeze(1), torch.tensor(rows)] = block.T


def _stacked(numbers: list[int], vector: Callable[[int], Tensor]) -> Float[Tensor, "model edge"]:
    return torch.stack([vector(number) for number in numbers])


def _chunks(numbers: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(numbers), _RERANKED_PER_BLOCK):
        yield numbers[start : start + _RERANKED_PER_BLOCK]
