"""Resemblance of images to probes, and areas under ROC curves with their intervals."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float64
from torch import Tensor

LEVEL = 0.8
_QUANTILE = 1.2815515655446004
"""That of the normal distribution for intervals at ``LEVEL``."""
_HALVINGS = 50


def directions(
    responses: Float64[Tensor, "image unit"], probes: Float64[Tensor, "probe unit"]
) -> Float64[Tensor, "image direction"]:
    """Responses standardized by those to the probes, less the mean over the units of each image.

    The mean is how certain the network is, not what it sees. The scale lets every network count
    alike. A unit that responds to all probes alike gives no direction.
    """
    scales = probes.std(dim=0, correction=0)
    varying = scales > 0
    standardized = (responses - probes.mean(dim=0))[:, varying] / scales[varying]
    contrasts = standardized - standardized.mean(dim=1, keepdim=True)
    return contrasts / math.sqrt(max(1, contrasts.shape[1]))


def resemblance(
    images: Float64[Tensor, "image direction"],
    probes: Float64[Tensor, "probe direction"],
    *,
    neighbors: int,
) -> Float64[Tensor, "image probe"]:
    """1/k for the k probes with the greatest cosine to an image, 0 for all others."""
    cosines = _unit_rows(images) @ _unit_rows(probes).T
    nearest = cosines.topk(min(neighbors, len(probes)), dim=1).indices
    return torch.zeros_like(cosines).scatter(1, nearest, 1.0 / nearest.shape[1])


def _unit_rows(rows: Float64[Tensor, "row direction"]) -> Float64[Tensor, "row direction"]:
    lengths: Tensor = rows.norm(dim=1, keepdim=True).clamp_min(1e-12)
    return rows / lengths


def weighted_aucs(
    responses: Float64[Tensor, "image unit"],
    positives: Float64[Tensor, " image"],
    negatives: Float64[Tensor, " image"],
) -> Float64[Tensor, " unit"]:
    """Probability that a unit ranks an image drawn by ``positives`` above one drawn by ``negatives``.

    The weights of each kind sum to 1; a tie counts half.
    """
    values, order = responses.T.contiguous().sort(dim=1)
    below = torch.nn.functional.pad(negatives[order].cumsum(dim=1), (1, 0))
    first = torch.searchsorted(values, values, right=False)
    last = torch.searchsorted(values, values, right=True)
    ranked = (below.gather(1, first) + below.gather(1, last)) / 2
    return (positives[order] * ranked).sum(dim=1).clamp(0.0, 1.0)


def effective_number(weights: Float64[Tensor, " image"]) -> float:
    """(Σ w)² / Σ w²: how many images count. Source: Kish, Survey Sampling, 1965, section 11.7."""
    return float(weights.sum().square() / weights.square().sum())


def auc_intervals(
    aucs: Float64[Tensor, " unit"], *, positives: float, negatives: float
) -> tuple[Float64[Tensor, " unit"], Float64[Tensor, " unit"]]:
    """80 % intervals of areas that so many positives and negatives gave.

    The areas θ with |θ - auc| = z √V(θ), V(θ) = θ(1-θ)[1 + N((1-θ)/(2-θ) + θ/(1+θ))]/(m n) and
    N = (m + n)/2 - 1. They have a width even where the area is 1, and few images make them wide.

    Source: Newcombe, Statistics in Medicine 25, 2006, method 5.
    """

    def outside(area: Float64[Tensor, " unit"]) -> Tensor:
        """Whether the measured area is too far from this one."""
        half = max(0.0, (positives + negatives) / 2 - 1)
        spread = 1 + half * ((1 - area) / (2 - area) + area / (1 + area))
        variance = area * (1 - area) * spread / (positives * negatives)
        return (area - aucs).abs() > _QUANTILE * variance.sqrt()

    return _edge(aucs, torch.zeros_like(aucs), outside), _edge(
        aucs, torch.ones_like(aucs), outside
    )


def _edge(inside: Tensor, end: Tensor, outside: Callable[[Tensor], Tensor]) -> Tensor:
    """Between ``inside`` and ``end``, the last area that is not outside, by bisection."""
    near, far = inside.clone(), end.clone()
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        is_out = outside(middle)
        far = torch.where(is_out, middle, far)
        near = torch.where(is_out, near, middle)
    return near
