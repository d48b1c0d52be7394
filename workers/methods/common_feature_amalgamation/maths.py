"""The terms of the loss, one function each."""

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
    """The maps of every image as one vector of length 1."""
    return functional.normalize(maps.flatten(1), dim=1, eps=_TINY)


def squared_distances(
    left: Float[Tensor, "image unit"], right: Float[Tensor, "other unit"]
) -> Float[Tensor, "image other"]:
    """‖a − b‖² of every pair, at least 1e-12, so that kernels have a gradient everywhere.

    Computed in float64: float32 rounding of the distance of an image from itself is as large as
    the narrowest kernel.
    """
    left_double, right_double = left.double(), right.double()
    # ‖a‖² + ‖b‖² − 2⟨a, b⟩ (image, other): one product instead of all differences.
    lengths = left_double.square().sum(1)[:, None] + right_double.square().sum(1)[None, :]
    return (lengths - 2 * left_double @ right_double.T).clamp_min(_TINY).float()


def kernel_sum(
    squared: Float[Tensor, "image other"], bandwidths: Sequence[float]
) -> Float[Tensor, "image other"]:
    """Σ_s exp(-d² / 2s²) over the bandwidths. Source: Luo et al. 2019, the kernel of eq. 3."""
    return torch.stack(
        [torch.exp(squared / (-2 * bandwidth * bandwidth)) for bandwidth in bandwidths]
    ).sum(0)


def discrepancy(
    left: Float[Tensor, "image unit"],
    right: Float[Tensor, "other unit"],
    *,
    bandwidths: Sequence[float],
) -> Float[Tensor, ""]:
    """Squared maximum mean discrepancy of two sets (V-statistic), at least 0.

    0 for equal sets. Each kernel adds at most 2.

    Source: Gretton et al. 2012, the biased estimate; Luo et al. 2019, section 3.2.
    """
    left_left = kernel_sum(squared_distances(left, left), bandwidths).mean()
    right_right = kernel_sum(squared_distances(right, right), bandwidths).mean()
    left_right = kernel_sum(squared_distances(left, right), bandwidths).mean()
    return functional.relu(left_left + right_right - 2 * left_right)


def relative_bandwidths(
    left: Float[Tensor, "image unit"], right: Float[Tensor, "other unit"]
) -> tuple[float, ...]:
    """Bandwidths from a quarter to four times the mean distance between the two sets."""
    with torch.no_grad():
        mean = float(squared_distances(left, right).sqrt().mean())
    return tuple(multiple * mean for multiple in _MULTIPLES)


def reconstruction_loss(
    reconstructed: Float[Tensor, "image channel row column"],
    teacher_maps: Float[Tensor, "image channel row column"],
) -> Float[Tensor, ""]:
    """Mean squared difference. Source: Luo et al. 2019, section 3.2."""
    return functional.mse_loss(reconstructed, teacher_maps.detach())


def channel_scales(maps: Float[Tensor, "image channel row column"]) -> Float[Tensor, " channel"]:
    """Standard deviation of every channel over images and positions; our addition.

    Features divided by it have equal weight in the reconstruction, independent of the teacher's
    scale. The floor is a hundredth of the mean channel, or a channel that rarely fires would
    outweigh all others where it does.
    """
    scales = maps.transpose(0, 1).flatten(1).std(dim=1, correction=0)
    return scales.clamp_min(max(1e-6, _FAINTEST * float(scales.mean())))


def logits_loss(
    student_logits: Float[Tensor, "image column"], teacher_logits: Float[Tensor, "image column"]
) -> Float[Tensor, ""]:
    """Mean squared difference of the logits."""
    return functional.mse_loss(student_logits, teacher_logits.detach())


def as_grid(features: Float[Tensor, "image ..."]) -> Float[Tensor, "image channel row column"]:
    """Features as maps; tokens of a square grid (image, token, channel) are reshaped.

    A leading class token is dropped.

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
