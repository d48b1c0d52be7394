"""Ambiguity of sources, and the losses of learning from them, one function each."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional


def closeness(logits: Float[Tensor, "image label"]) -> Float[Tensor, " image"]:
    """One minus the gap between the two largest softmax probabilities, from 0 to 1."""
    # 1 − (p₁ − p₂) as a sum of the small terms: near certainty, 1 − p₁ would round to 0.
    shares = logits.softmax(dim=1).sort(dim=1, descending=True).values
    return shares[:, 1:].sum(dim=1) + shares[:, 1]


def bernoulli_closeness(logits: Float[Tensor, "image label"]) -> Float[Tensor, " image"]:
    """Mean over labels of one minus the gap between presence and absence, from 0 to 1."""
    return 2 * (-logits.abs()).sigmoid().mean(dim=1)


def most_confident(
    ambiguity: Float[Tensor, "source image"],
) -> Float[Tensor, "source image"]:
    """1 for the least ambiguous source of each image (the first of equals), else 0.

    Source: Shen et al. 2019, selective learning.
    """
    return one_of(ambiguity.argmin(dim=0), len(ambiguity))


def one_of(chosen: Int64[Tensor, " image"], sources: int) -> Float[Tensor, "source image"]:
    """1 for the chosen source of every image, else 0."""
    return functional.one_hot(chosen, sources).T.to(torch.float32)


def shared(
    ambiguity: Float[Tensor, "source image"], *, softness: float
) -> Float[Tensor, "source image"]:
    """Weights that sum to 1 over the sources of each image: softmax(−ambiguity / softness)."""
    return (-ambiguity / softness).softmax(dim=0)


def at_one_size(left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Two stacks of maps, average-pooled to the smaller height and width of both."""
    size = (min(left.shape[2], right.shape[2]), min(left.shape[3], right.shape[3]))
    return (
        functional.adaptive_avg_pool2d(left, size),
        functional.adaptive_avg_pool2d(right, size),
    )


def alignment_loss(
    student_maps: Float[Tensor, "image channel row column"],
    teacher_maps: Float[Tensor, "image channel row column"],
) -> Float[Tensor, ""]:
    """Mean squared difference of two stacks of maps in their common space.

    Source: Shen et al. 2019, the feature alignment module. Gradients flow to both sides.
    """
    return (student_maps.float() - teacher_maps.float()).square().mean()


def row_norm_loss(weight: Float[Tensor, "out channel"]) -> Float[Tensor, ""]:
    """Mean over rows of (‖w‖² − 1)²: 0 for unit rows, 1 for zero rows.

    Source: Shen et al. 2019. Without it, both projections of an alignment could shrink to zero.
    """
    return (weight.square().sum(dim=1) - 1).square().mean()


def scaled_logits_loss(
    student_logits: Float[Tensor, "image label"],
    teacher_logits: Float[Tensor, "image label"],
    scale: Float[Tensor, ""],
) -> Float[Tensor, ""]:
    """Mean squared difference of scaled student logits and teacher logits.

    Gradients flow to the student and to ``scale``.

    Source: Shen et al. 2019, soft targets, with the scale of the authors' attribute programs.
    """
    return (scale * student_logits.float() - teacher_logits.detach().float()).square().mean()
