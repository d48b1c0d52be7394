"""The parts of the loss, one function each."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

PUBLISHED_BANDWIDTHS = (0.001, 0.01, 0.05, 0.1, 0.2, 1.0, 2.0)
_MULTIPLES = (0.25, 0.5, 1.0, 2.0, 4.0)
_TINY = 1e-12
_FAINTEST = 0.01


def unit_vectors(maps: Float[Tensor, "image ..."]) -> Float[Tensor, "image unit"]:
    """Every image's maps as one vector of length 1."""
    return functional.normalize(maps.flatten(1), dim=1, eps=_TINY)


def squared_distances(
    left: Float[Tensor, "image unit"], right: Float[Tensor, "other unit"]
) -> Float[Tensor, "image other"]:
    """||a - b||² of every pair, at least 1e-12, so that kernels have a gradient everywhere.

    In float64 inside: what float32 rounds off the distance of an image from itself is as wide as
    the narrowest kernel.
    """
    one, other = left.double(), right.double()
    lengths = one.square().sum(1)[:, None] + other.square().sum(1)[None, :]
    return (lengths - 2 * one @ other.T).clamp_min(_TINY).float()


def kernel_sum(
    squared: Float[Tensor, "image other"], bandwidths: Sequence[float]
) -> Float[Tensor, "image other"]:
    """Σ_s exp(-d² / 2s²) over the bandwidths. Source: Luo et al. 2019, the kernel of eq. 3."""
    return torch.stack([torch.exp(squared / (-2 * s * s)) for s in bandwidths]).sum(0)


def discrepancy(
    left: Float[Tensor, "image unit"],
    right: Float[Tensor, "other unit"],
    *,
    bandwidths: Sequence[float],
) -> Float[Tensor, ""]:
    """Squared maximum mean discrepancy of two sets, with repetition of pairs; never below 0.

    0 where both are the same set. A kernel adds at most 2.

    Source: Gretton et al. 2012, the biased estimate; Luo et al. 2019, section 3.2.
    """
    own = kernel_sum(squared_distances(left, left), bandwidths).mean()
    other = kernel_sum(squared_distances(right, right), bandwidths).mean()
    between = kernel_sum(squared_distances(left, right), bandwidths).mean()
    return functional.relu(own + other - 2 * between)


def relative_bandwidths(
    left: Float[Tensor, "image unit"], right: Float[Tensor, "other unit"]
) -> tuple[float, ...]:
    """A quarter to four times the mean distance between the two sets."""
    with torch.no_grad():
        mean = float(squared_distances(left, right).sqrt().mean())
    return tuple(multiple * mean for multiple in _MULTIPLES)


def reconstruction_loss(
    rebuilt: Float[Tensor, "image channel row column"],
    own: Float[Tensor, "image channel row column"],
) -> Float[Tensor, ""]:
    """Mean squared difference. Source: Luo et al. 2019, section 3.2."""
    return functional.mse_loss(rebuilt, own.detach())


def channel_scales(maps: Float[Tensor, "image channel row column"]) -> Float[Tensor, " channel"]:
    """Standard deviation of every channel over images and places; ours.

    Features divided by it weigh alike in the reconstruction, whatever their teacher's scale. A
    channel that hardly ever fires counts as a hundredth of the mean channel, or it would outweigh
    all others where it does fire.
    """
    scales = maps.transpose(0, 1).flatten(1).std(dim=1, correction=0)
    return scales.clamp_min(max(1e-6, _FAINTEST * float(scales.mean())))


def logits_loss(
    student: Float[Tensor, "image column"], teacher: Float[Tensor, "image column"]
) -> Float[Tensor, ""]:
    """Mean squared difference of the logits."""
    return functional.mse_loss(student, teacher.detach())


def as_grid(features: Float[Tensor, "image ..."]) -> Float[Tensor, "image channel row column"]:
    """Maps as they are; tokens of a square grid (image, token, channel) as maps.

    A token in front of the grid, as networks have that collect their answer there, is left out.

    Raises:
        ValueError: The features are neither maps nor tokens of a square grid.
    """
    if features.ndim == 4:  # noqa: PLR2004 - image, channel, row, column
        return features
    if features.ndim == 3:  # noqa: PLR2004 - image, token, channel
        for first in (0, 1):
            side = round((features.shape[1] - first) ** 0.5)
            if side > 0 and side * side == features.shape[1] - first:
                tokens = features[:, first:].transpose(1, 2)
                return tokens.reshape(*tokens.shape[:2], side, side)
    raise ValueError(f"features of shape {list(features.shape[1:])} have no rows and columns")
