"""Uncertainty of a score over the choice of probes: 90 % intervals for any edge weight.

Probes are resampled with replacement, B times. A replicate is a vector of multinomial weights w:
nodes are averaged with w_p, edges correlated with weights w_p·w_q and their original ranks.
The variances of s_V and s_E over replicates and their covariance give the interval of
s = s_V + λ s_E for every λ afterwards.

This is our addition; the papers give no intervals. See Efron & Tibshirani 1993, chapters 6 and 13, for
the bootstrap itself.

Axes: ``replicate`` one resampled probe set, ``probe`` one image, ``edge`` one pair of probes.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float64, Int32
from torch import Tensor

from workers.torchkit.similarity.edges import edge_matrix, standardized_ranks
from workers.torchkit.similarity.similarity import require_edge_weight

NINETY_PERCENT = 1.6448536269514722


@dataclass(frozen=True)
class Spread:
    """Variances of s_V and s_E over replicates, and their covariance."""

    node_variance: float
    covariance: float
    edge_variance: float


@dataclass(frozen=True)
class EdgeSide:
    """One network's edges, prepared for all replicates.

    ``values`` are standardized ranks of mean 0 and mean square 1, as a symmetric matrix; ``means``
    and ``squares`` are their weighted means over edges, one per replicate.
    """

    values: Float[Tensor, "probe probe"]
    means: Float64[Tensor, " replicate"]
    squares: Float64[Tensor, " replicate"]


def resampled_weights(
    mask: Bool[Tensor, " probe"], *, replicates: int, generator: torch.Generator
) -> Float[Tensor, "replicate probe"]:
    """Multinomial counts of how often each valid probe is drawn; as many draws as valid probes."""
    valid = mask.nonzero().squeeze(1)
    drawn = torch.randint(len(valid), (replicates, len(valid)), generator=generator)
    counts = torch.zeros(replicates, len(valid))
    counts.scatter_add_(1, drawn, torch.ones_like(drawn, dtype=counts.dtype))
    weights = torch.zeros(replicates, len(mask))
    weights[:, valid] = counts
    return weights


def edge_side(
    ranks: Int32[Tensor, " edge"], weights: Float[Tensor, "replicate probe"]
) -> EdgeSide:
    """A network's ranks and their weighted means and mean squares in every replicate."""
    # Unit length times √m gives mean square 1, so weighted means of squares stay near 1.
    present = (ranks > 0).sum().clamp_min(1)
    standard = standardized_ranks(ranks) * present.sqrt()
    values = edge_matrix(standard, weights.shape[1])
    means = edge_means(values, weights)
    return EdgeSide(values, means, edge_means(values.square(), weights))


def edge_means(
    values: Float[Tensor, "probe probe"], weights: Float[Tensor, "replicate probe"]
) -> Float64[Tensor, " replicate"]:
    """Σ_{p<q} w_p w_q x_pq / Σ_{p<q} w_p w_q for a symmetric x with zero diagonal.

    One matrix product for all replicates; the total weight is ((Σw)² − Σw²)/2.
    """
    # wᵀXw counts every edge twice and the zero diagonal not at all: (replicate,).
    sums = ((weights @ values) * weights).sum(dim=1, dtype=torch.float64) / 2
    wide = weights.double()
    totals = (wide.sum(dim=1).square() - wide.square().sum(dim=1)) / 2
    return sums / totals.clamp_min(1)


def resampled_nodes(
    cosines: Float[Tensor, " probe"], weights: Float[Tensor, "replicate probe"]
) -> Float64[Tensor, " replicate"]:
    """s_V of every replicate: Σ_p w_p cos_p / Σ_p w_p."""
    wide = weights.double()
    return (wide @ cosines.double()) / wide.sum(dim=1)


def resampled_edges(
    left: EdgeSide, right: EdgeSide, weights: Float[Tensor, "replicate probe"]
) -> Float64[Tensor, " replicate"]:
    """s_E of every replicate: Pearson's correlation of fixed ranks, edges weighted w_p·w_q.

    0 where one side is constant.
    """
    products = edge_means(left.values * right.values, weights)
    covariance = products - left.means * right.means
    variances = [side.squares - side.means.square() for side in (left, right)]
    scale = (variances[0] * variances[1]).clamp_min(0).sqrt()
    return torch.where(scale > 0, covariance / scale, 0.0)


def spread_of(
    nodes: Float64[Tensor, " replicate"], edges: Float64[Tensor, " replicate"]
) -> Spread:
    """Variances and covariance over replicates."""
    matrix = torch.cov(torch.stack([nodes, edges]))
    return Spread(float(matrix[0, 0]), float(matrix[0, 1]), float(matrix[1, 1]))


def standard_deviation(spread: Spread, *, edge_weight: float) -> float:
    """√(var s_V + 2 λ cov + λ² var s_E). Raises BadEdgeWeightError."""
    weight = require_edge_weight(edge_weight)
    variance = (
        spread.node_variance + 2 * weight * spread.covariance + weight**2 * spread.edge_variance
    )
    return math.sqrt(max(0.0, variance))


def interval(score: float, spread: Spread, *, edge_weight: float) -> tuple[float, float]:
    """90 % interval of s over probes: s ± 1.645 standard deviations. Raises BadEdgeWeightError."""
    margin = NINETY_PERCENT * standard_deviation(spread, edge_weight=edge_weight)
    return score - margin, score + margin
