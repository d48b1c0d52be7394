"""Estimators that compare pairwise distances of features with those of labels.

Axes: ``image`` one labeled image, ``unit`` one number of the feature, ``pair`` one unordered
pair of images p < q.
"""

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from service.core.catalog.measurement import Centering, Spectrum
from workers.methods.transferability_estimators.refusal import NoScoreError
from workers.torchkit.similarity.edges import EdgeStatus, draw_edges, rank_edges
from workers.torchkit.similarity.similarity import edge_similarity


def parc(features: Float[Tensor, "image unit"], labels: Int64[Tensor, " image"]) -> float:
    """Spearman correlation, over pairs, of 1 − Pearson of features and of one-hot labels.

    Source: Bolya et al., Scalable Diverse Model Selection for Accessible Transfer Learning,
    NeurIPS 2021, section 4.

    Raises:
        NoScoreError: All distances, of features or of labels, are the same.
    """
    return spearman_of_two_values(pearson_distances(features.double()), label_distances(labels))


def rsa(features: Float[Tensor, "image unit"], labels: Int64[Tensor, " image"]) -> float:
    """PARC after subtracting the mean feature over images from every feature.

    Source: Dwivedi and Roig, Representation Similarity Analysis for Efficient Task Taxonomy,
    CVPR 2019; removing the mean pattern as in Walther et al., NeuroImage 2016.

    Raises:
        NoScoreError: All distances, of features or of labels, are the same.
    """
    rows = features.double()
    distances = pearson_distances(rows - rows.mean(dim=0))
    return spearman_of_two_values(distances, label_distances(labels))


def label_edges(
    features: Float[Tensor, "image unit"],
    labels: Int64[Tensor, " image"],
    *,
    spectrum: Spectrum,
) -> float:
    """DEPARA's edge similarity to an ideal graph whose edges join the images of one class.

    Images whose centered feature vanishes have no edges.

    Source: Song et al., DEPARA, CVPR 2020, edge similarity; labels in place of a network are ours.

    Raises:
        NoScoreError: All edges, of features or of labels, are the same.
    """
    every = torch.ones(len(labels), dtype=torch.bool)
    edges = draw_edges(features, every, centering=Centering.CENTERED, spectrum=spectrum)
    present = edges.ranks > 0
    ideal = rank_edges(1.0 - label_distances(labels), present)
    is_constant = edges.status is EdgeStatus.CONSTANT_EDGES
    if is_constant or len(torch.unique(ideal[present])) == 1:
        raise NoScoreError(
            "all pairs of images have the same edge, by features or by labels",
            code="constant_distances",
        )
    return float(edge_similarity(edges.ranks, ideal))


def pearson_distances(rows: Float64[Tensor, "image unit"]) -> Float64[Tensor, " pair"]:
    """1 − Pearson correlation of every two rows; a constant row has correlation 0."""
    centered = rows - rows.mean(dim=1, keepdim=True)
    sizes = torch.linalg.vector_norm(centered, dim=1, keepdim=True)
    flat = sizes <= 1e-9 * torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    units = torch.where(flat, 0.0, centered / torch.where(flat, 1.0, sizes))
    return _upper(1 - units @ units.T)


def label_distances(labels: Int64[Tensor, " image"]) -> Float64[Tensor, " pair"]:
    """1 − Pearson of one-hot labels up to scale: 0 within a class, 1 between two.

    Between classes the correlation is always −1/(K − 1), so ranks do not depend on its value.
    """
    return _upper((labels.unsqueeze(0) != labels.unsqueeze(1)).double())


def _upper(square: Float64[Tensor, "image image"]) -> Float64[Tensor, " pair"]:
    """The strict upper triangle, row by row."""
    count = len(square)
    first, second = torch.triu_indices(count, count, offset=1, device=square.device)
    return square[first, second]


def spearman_of_two_values(
    distances: Float64[Tensor, " pair"], binary: Float64[Tensor, " pair"]
) -> float:
    """Spearman correlation if one side has two values, so only the other needs ranking.

    Raises NoScoreError if one side is constant.
    """
    # Two values have two middle ranks, an affine map of the values: correlation is unchanged.
    ranks = [values - values.mean() for values in (_midranks(distances), binary)]
    sizes = [float(torch.linalg.vector_norm(values)) for values in ranks]
    if min(sizes) == 0:
        raise NoScoreError(
            "all pairs of images have the same distance, by features or by labels",
            code="constant_distances",
        )
    return float(ranks[0] @ ranks[1]) / (sizes[0] * sizes[1])


def _midranks(values: Float64[Tensor, " pair"]) -> Float64[Tensor, " pair"]:
    """Ranks from 1; equal values share their middle rank."""
    _distinct, inverse, counts = torch.unique(values, return_inverse=True, return_counts=True)
    middle: Tensor = counts.cumsum(0).double() - (counts.double() - 1) / 2
    return middle[inverse]


def balanced_sample(
    labels: Int64[Tensor, " image"], *, count: int, seed: int
) -> Int64[Tensor, " chosen"]:
    """At most ``count`` images, drawn in turn from every class; all images if there are fewer."""
    if len(labels) <= count:
        return torch.arange(len(labels), device=labels.device)
    ranks = rank_within_class(labels, seed=seed)
    return ranks.argsort(stable=True)[:count].sort().values


def rank_within_class(labels: Int64[Tensor, " image"], *, seed: int) -> Int64[Tensor, " image"]:
    """Rank of each image in a random order of its class, from 0."""
    generator = torch.Generator().manual_seed(seed)
    shuffled = torch.randperm(len(labels), generator=generator).to(labels.device)
    by_class = shuffled[labels[shuffled].argsort(stable=True)]
    counts = torch.bincount(labels)
    starts = (counts.cumsum(0) - counts)[labels[by_class]]
    ranks = torch.empty_like(labels)
    ranks[by_class] = torch.arange(len(labels), device=labels.device) - starts
    return ranks
