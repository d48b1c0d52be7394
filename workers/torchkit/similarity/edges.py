"""Edges of a DEPARA graph: the similarity of two probes to one network, stored as ranks.

Sources: Song et al., DEPARA, CVPR 2020 (below: "DEPARA"); its supplement and released code.

Axes: ``probe`` one image, ``unit`` one number of the feature F, ``edge`` one unordered pair of
probes p < q in the order of the strict upper triangle, row by row. A rank is stored doubled, so
that middle ranks stay integers: 2 … 2m, and 0 where an edge touches an invalid probe.
"""

from dataclasses import dataclass
from enum import StrEnum

import torch
from jaxtyping import Bool, Float, Float64, Int, Int32
from torch import Tensor

from service.core.catalog.measurement import Centering, RankVariant, Spectrum
from service.core.errors import MethodError

LARGEST_PROBE_SET = 8192
_UNITS_PER_BLOCK = 4096
_FLAT = 1e-6
_TIE_GRID = 2.0**40
_ROUNDING = 1e-10
_FLATTENING = 0.25


class TooManyProbesError(MethodError):
    """The edges of all pairs of probes exceed the memory limit."""

    code = "too_many_probes"


class EdgeStatus(StrEnum):
    """Whether the edges distinguish probes."""

    OK = "ok"
    CONSTANT_EDGES = "constant_edges"


@dataclass(frozen=True)
class Edges:
    """Ranked edges of one network.

    Attributes:
        ranks: Doubled ranks; 0 where an edge touches an invalid probe.
        mask: Valid probes; excludes those whose centered feature vanishes.
        status: ``constant_edges`` when all present edges tie: their correlation is undefined.
    """

    ranks: Int32[Tensor, " edge"]
    mask: Bool[Tensor, " probe"]
    status: EdgeStatus


def draw_edges(
    features: Float[Tensor, "probe unit"],
    mask: Bool[Tensor, " probe"],
    *,
    centering: Centering = Centering.CENTERED,
    variant: RankVariant = RankVariant.MIDRANK,
    spectrum: Spectrum = Spectrum.NATURAL,
) -> Edges:
    """Ranked cosines of every two valid probes.

    If all features are equal, the edges are constant and every probe stays valid; if only some
    features vanish, those probes become invalid.

    Raises:
        TooManyProbesError: There are more than 8192 probes, 34 million edges.

    Source: DEPARA equation 4; centering as in its released code for tasks.
    """
    require_drawable(len(mask))
    gram, sizes = probe_products(features, mask, centering=centering)
    return edges_of_products(gram, sizes, mask, variant=variant, spectrum=spectrum)


def require_drawable(probes: int) -> None:
    """Raises TooManyProbesError when there are more than 8192 probes, 34 million edges."""
    if probes > LARGEST_PROBE_SET:
        raise TooManyProbesError(
            f"{probes} probes are more than {LARGEST_PROBE_SET}",
            remedy="measure on fewer images; a thousand suffice",
        )


def edges_of_products(
    gram: Float64[Tensor, "probe probe"],
    sizes: Float64[Tensor, " probe"],
    mask: Bool[Tensor, " probe"],
    *,
    variant: RankVariant = RankVariant.MIDRANK,
    spectrum: Spectrum = Spectrum.NATURAL,
) -> Edges:
    """Ranked cosines from inner products of features, raw or centered, and their raw norms."""
    # A centered feature far below its raw norm is rounding: its direction means nothing.
    usable = mask & (gram.diagonal().clamp_min(0).sqrt() > _FLAT * sizes)
    if not usable.any():
        present = present_edges(mask)
        return Edges(_tied(present), mask, EdgeStatus.CONSTANT_EDGES)
    if spectrum is Spectrum.FLATTENED:
        gram = flattened_products(gram)
    cosines = upper_triangle(cosines_of(gram, usable))
    ranks = rank_edges(cosines, present_edges(usable), variant=variant)
    return Edges(ranks, usable, edge_status(ranks))


def probe_products(
    features: Float[Tensor, "probe unit"],
    mask: Bool[Tensor, " probe"],
    *,
    centering: Centering,
) -> tuple[Float64[Tensor, "probe probe"], Float64[Tensor, " probe"]]:
    """Inner products of features, centered over the valid probes or raw, and raw norms.

    Units are processed in blocks and summed in float64, which bounds memory for wide features.
    """
    count = features.shape[0]
    gram = torch.zeros(count, count, dtype=torch.float64)
    squares = torch.zeros(count, dtype=torch.float64)
    for start in range(0, features.shape[1], _UNITS_PER_BLOCK):
        block = features[:, start : start + _UNITS_PER_BLOCK]
        values = block.double().cpu() * mask.unsqueeze(1)
        squares += values.square().sum(dim=1)
        if centering is Centering.CENTERED:
            values = centered(values, mask)
        gram += values @ values.T
    return gram, squares.sqrt()


def flattened_products(
    gram: Float64[Tensor, "probe probe"], *, power: float = _FLATTENING
) -> Float64[Tensor, "probe probe"]:
    """K to a power, ¼ for all graphs: the same eigenvectors, λ^¼ for λ; 0 stays 0.

    A decoder can rescale its inputs, so how far a feature varies along a direction says little
    about its use; that it varies says much. The power lies between 1 (the weights of linear CKA)
    and 0 (CCA). Eigenvalues below 1e-10 of the largest are rounding errors and become 0.

    Source: ours; chosen on half of the targets of benchmarks.small_taskonomy.
    """
    values, vectors = torch.linalg.eigh(gram)  # ascending; vectors: (probe, axis)
    above_rounding = values > _ROUNDING * values[-1]
    powers = torch.where(above_rounding, values.clamp_min(0).pow(power), 0.0)
    flattened: Tensor = (vectors * powers) @ vectors.T
    return flattened


def centered(
    features: Float[Tensor, "probe unit"], mask: Bool[Tensor, " probe"]
) -> Float[Tensor, "probe unit"]:
    """Features minus their mean over valid probes; invalid rows stay 0."""
    mean = features[mask].mean(dim=0, keepdim=True) if mask.any() else 0.0
    return (features - mean) * mask.unsqueeze(1)


def cosines_of(
    gram: Float64[Tensor, "probe probe"], mask: Bool[Tensor, " probe"]
) -> Float64[Tensor, "probe probe"]:
    """e_pq = ⟨F_p, F_q⟩ / (‖F_p‖ ‖F_q‖), 0 for invalid probes.

    Rounded to a grid of 2⁻⁴⁰, so values that are equal in exact arithmetic tie on every machine.

    Source: DEPARA equation 4.
    """
    norms = gram.diagonal().clamp_min(0).sqrt()
    inverse = torch.where(mask, 1.0 / norms, 0.0)
    cosines = gram * inverse.unsqueeze(0) * inverse.unsqueeze(1)
    return (cosines * _TIE_GRID).round() / _TIE_GRID


def upper_triangle(square: Float[Tensor, "probe probe"]) -> Float[Tensor, " edge"]:
    """Entries p < q, row by row: m = n(n−1)/2 values."""
    rows, columns = torch.triu_indices(len(square), len(square), offset=1)
    return square[rows, columns]


def present_edges(mask: Bool[Tensor, " probe"]) -> Bool[Tensor, " edge"]:
    """Mask of the edges that join two valid probes."""
    rows, columns = torch.triu_indices(len(mask), len(mask), offset=1)
    return mask[rows] & mask[columns]


def edge_matrix(values: Float[Tensor, " edge"], probes: int) -> Float[Tensor, "probe probe"]:
    """Edge values as a symmetric matrix with a zero diagonal."""
    rows, columns = torch.triu_indices(probes, probes, offset=1)
    square = values.new_zeros(probes, probes)
    square[rows, columns] = values
    return square + square.T


def rank_edges(
    values: Float[Tensor, " edge"] | Int[Tensor, " edge"],
    present: Bool[Tensor, " edge"],
    *,
    variant: RankVariant = RankVariant.MIDRANK,
) -> Int32[Tensor, " edge"]:
    """Doubled ranks of the present values, ascending from 2; absent ones get 0."""
    doubled = doubled_midranks if variant is RankVariant.MIDRANK else doubled_ordinal_ranks
    ranks = torch.zeros(len(values), dtype=torch.int32)
    ranks[present] = doubled(values[present])
    return ranks


def doubled_midranks(
    values: Float[Tensor, " edge"] | Int[Tensor, " edge"],
) -> Int32[Tensor, " edge"]:
    """Twice the middle rank: tied values share the mean of the ranks they span."""
    # Ties form groups of consecutive places: a group of size g that ends at rank e has the
    # middle rank e − (g − 1)/2, doubled 2e − g + 1, an integer.
    ordered, order = values.sort(stable=True)
    starts = torch.ones(len(ordered), dtype=torch.bool)
    starts[1:] = ordered[1:] != ordered[:-1]
    group = starts.cumsum(0) - 1
    sizes = group.bincount()
    shared = 2 * sizes.cumsum(0) - sizes + 1
    ranks = torch.empty(len(values), dtype=torch.int32)
    ranks[order] = shared[group].to(torch.int32)
    return ranks


def doubled_ordinal_ranks(
    values: Float[Tensor, " edge"] | Int[Tensor, " edge"],
) -> Int32[Tensor, " edge"]:
    """Twice the position in a stable sort: ties keep the order of the edges.

    Source: DEPARA's released code, which ranks by argsort; kept for parity.
    """
    ranks = torch.empty(len(values), dtype=torch.int32)
    ranks[values.argsort(stable=True)] = 2 * torch.arange(1, len(values) + 1, dtype=torch.int32)
    return ranks


def edge_status(ranks: Int32[Tensor, " edge"]) -> EdgeStatus:
    """Constant if fewer than two distinct ranks are present."""
    present = ranks[ranks > 0]
    constant = present.numel() == 0 or bool((present == present[0]).all())
    return EdgeStatus.CONSTANT_EDGES if constant else EdgeStatus.OK


def standardized_ranks(ranks: Int32[Tensor, " edge"]) -> Float[Tensor, " edge"]:
    """ρ: present ranks minus their mean, divided by their norm; all 0 if edges are constant.

    ⟨ρ_i, ρ_j⟩ is Spearman's correlation with middle ranks, so one vector represents a network.
    """
    present = ranks > 0
    values = ranks.double()
    mean = values[present].mean() if present.any() else 0.0
    deviations = torch.where(present, values - mean, 0.0)
    norm = deviations.norm()
    return (deviations / norm if norm > 0 else deviations).float()


def rank_agreement(
    left: Int32[Tensor, " edge"], right: Int32[Tensor, " edge"]
) -> Float64[Tensor, ""]:
    """s_E = 1 − 6 Σ d² / (m³ − m), d the difference of ranks.

    Equals ⟨ρ_i, ρ_j⟩ only if both rankings are permutations. All edges must be
    present in both.

    Source: DEPARA, edge similarity of two graphs, where m is printed as n.
    """
    count = len(left)
    differences = (left.double() - right.double()) / 2
    return 1.0 - 6.0 * differences.square().sum() / (float(count) ** 3 - count)


def _tied(present: Bool[Tensor, " edge"]) -> Int32[Tensor, " edge"]:
    """The same middle rank for every present edge."""
    return torch.where(present, int(present.sum()) + 1, 0).to(torch.int32)
