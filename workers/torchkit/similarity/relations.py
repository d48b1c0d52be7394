"""How a network relates every two probes: the matrices of RSA, DDS and linear CKA.

In a graph, the row of a probe stands where its attribution map would. Rows are scaled to √n M/‖M‖,
so the mean over n probes of ⟨row_i^p, row_j^p⟩ is the cosine of the two matrices, ⟨M_i, M_j⟩/(‖M_i‖‖M_j‖):
the similarity that each of the three measures defines.

* ``rsa``: M holds the standardized ranks of Pearson's correlations. Source: Dwivedi and Roig,
  Representation Similarity Analysis for Efficient Task Taxonomy, CVPR 2019.
* ``dds``: M holds the cosines of features of which every unit is z-scored over the probes, centered
  without bias. Source: Dwivedi et al., Duality Diagram Similarity, ECCV 2020, and its released code.
* ``linear_cka``: M holds the inner products of centered features. Source: Kornblith et al.,
  Similarity of Neural Network Representations Revisited, ICML 2019.

The first two are stated with dissimilarities 1 − r and 1 − cosine; the sign cancels in the product.

Axes: ``probe`` one image, ``unit`` one number of the feature F.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from service.core.catalog.measurement import Nodes
from workers.torchkit.similarity.edges import (
    centered,
    cosines_of,
    edge_matrix,
    present_edges,
    rank_edges,
    standardized_ranks,
    upper_triangle,
)
from workers.torchkit.similarity.wide_products import centered_products

_UNITS_PER_BLOCK = 4096
_FLAT = 1e-6
_FEWEST = 3

Square = Float64[Tensor, "probe probe"]
Features = Float[Tensor, "probe unit"]
Mask = Bool[Tensor, " probe"]


@dataclass(frozen=True)
class Relations:
    """Scaled rows of one network's matrix, and the probes that have one.

    All rows are 0 if the feature does not distinguish probes.
    """

    rows: Float[Tensor, "probe probe"]
    mask: Bool[Tensor, " probe"]

    @property
    def constant(self) -> bool:
        """Whether there is nothing to compare."""
        return not bool(self.rows.any())


def relations_of(features: Features, mask: Mask, nodes: Nodes) -> Relations:
    """The matrix of a network's features; probes without a direction become invalid."""
    values, usable = _VALUES[nodes](features, mask)
    return Relations(among(values, usable, nodes), usable)


def among(values: Float[Tensor, "probe probe"], common: Mask, nodes: Nodes) -> Tensor:
    """Scaled rows of a matrix, ranked or centered over the common probes; 0 elsewhere.

    Rows of a graph may be passed again: restricting them gives what the common probes alone give.
    """
    matrix = _MATRICES[nodes](values.double(), common)
    norm = matrix.norm()
    scaled = matrix * (common.sum().double().sqrt() / norm) if norm > 0 else matrix
    return scaled.float()


def unbiased_centered(square: Square, mask: Mask) -> Square:
    """A_pq − Σ_p/(n−2) − Σ_q/(n−2) + Σ/((n−1)(n−2)) off the diagonal, which is 0.

    Source: Székely and Rizzo 2014, Partial Distance Correlation, definition 2.
    """
    count = int(mask.sum())
    if count < _FEWEST:
        return torch.zeros_like(square)
    pairs = mask.unsqueeze(0) & mask.unsqueeze(1)
    pairs.fill_diagonal_(0)
    off = square * pairs
    sums = off.sum(dim=0) / (count - 2)
    total = off.sum() / ((count - 1) * (count - 2))
    return (off - sums.unsqueeze(0) - sums.unsqueeze(1) + total) * pairs


def pair_sums(
    square: Float[Tensor, "probe probe"], weights: Float[Tensor, "replicate probe"]
) -> Float64[Tensor, " replicate"]:
    """Σ_{p≠q} w_p w_q x_pq + Σ_p w_p x_pp: a probe drawn twice has no relation to its copy."""
    # wᵀXw counts a probe w_p² times beside itself; w_p of them stay.
    every = ((weights @ square) * weights).sum(dim=1, dtype=torch.float64)
    wide = weights.double()
    return every + (wide - wide.square()) @ square.diagonal().double()


def resampled_relations(
    left: Float[Tensor, "probe probe"],
    right: Float[Tensor, "probe probe"],
    weights: Float[Tensor, "replicate probe"],
) -> Float64[Tensor, " replicate"]:
    """The cosine of two matrices in every replicate; 0 where one vanishes.

    Matrices are not ranked or centered again: that changes the cosine by terms of second order only.
    """
    products = pair_sums(left * right, weights)
    sizes = pair_sums(left.square(), weights) * pair_sums(right.square(), weights)
    scale = sizes.clamp_min(0).sqrt()
    return torch.where(scale > 0, products / scale, 0.0)


def _correlations(features: Features, mask: Mask) -> tuple[Square, Mask]:
    """Pearson's correlation of every two probes over units."""
    means = features.mean(dim=1, dtype=torch.float64, keepdim=True)
    gram = _products(features, mask, lambda block: (block - means) * mask.unsqueeze(1))
    sizes = torch.linalg.vector_norm(features, dim=1, dtype=torch.float64).cpu()
    usable = mask & (gram.diagonal().sqrt() > _FLAT * sizes)
    return cosines_of(gram, usable), usable


def _scored_cosines(features: Features, mask: Mask) -> tuple[Square, Mask]:
    """Cosines of features of which every unit is z-scored over the valid probes."""
    gram = _products(features, mask, lambda block: z_scored(block, mask))
    usable = mask & (gram.diagonal().sqrt() > _FLAT * features.shape[1] ** 0.5)
    return cosines_of(gram, usable), usable


def _centered_gram(features: Features, mask: Mask) -> tuple[Square, Mask]:
    """Inner products of features less their mean; 0 throughout if only rounding is left."""
    gram = _products(features, mask, lambda block: centered(block, mask))
    sizes = torch.linalg.vector_norm(features, dim=1, dtype=torch.float64).cpu()
    varies = mask & (gram.diagonal().sqrt() > _FLAT * sizes)
    return (gram if varies.any() else torch.zeros_like(gram)), mask


def z_scored(values: Features, mask: Mask) -> Features:
    """Every unit less its mean over valid probes, over its deviation; constant units become 0."""
    count = mask.sum().clamp_min(1)
    deviations = centered(values, mask)
    spread = (deviations.square().sum(dim=0) / count).sqrt()
    size = (values.square().sum(dim=0) / count).sqrt()
    divisor = torch.where(spread > _FLAT * size, spread, torch.inf)
    scored: Tensor = deviations / divisor
    return scored


def _products(
    features: Features, mask: Mask, prepared: Callable[[Tensor], Tensor]
) -> Float64[Tensor, "probe probe"]:
    """Inner products of prepared features, a few units at a time in float64."""
    gram = torch.zeros(len(mask), len(mask), dtype=torch.float64)
    for block in torch.split(features, _UNITS_PER_BLOCK, dim=1):
        values = prepared(block.double().cpu() * mask.unsqueeze(1))
        gram += values @ values.T
    return gram


def _ranked(values: Square, mask: Mask) -> Square:
    """Standardized middle ranks of the pairs of valid probes, 0 on the diagonal."""
    ranks = rank_edges(upper_triangle(values), present_edges(mask))
    return edge_matrix(standardized_ranks(ranks).double(), len(mask))


_VALUES: dict[Nodes, Callable[[Features, Mask], tuple[Square, Mask]]] = {
    Nodes.RSA: _correlations,
    Nodes.DDS: _scored_cosines,
    Nodes.LINEAR_CKA: _centered_gram,
}
_MATRICES: dict[Nodes, Callable[[Square, Mask], Square]] = {
    Nodes.RSA: _ranked,
    Nodes.DDS: unbiased_centered,
    Nodes.LINEAR_CKA: centered_products,
}
