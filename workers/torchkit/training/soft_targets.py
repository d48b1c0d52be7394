"""Distances between a student's and a teacher's probabilities. The teacher gets no gradient."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def soft_target_loss(
    student_logits: Float[Tensor, "image label *pixel"],
    teacher_logits: Float[Tensor, "image label *pixel"],
    *,
    temperature: float,
) -> Float[Tensor, ""]:
    """T²·KL(p_teacher ‖ p_student) at temperature T, in nats, mean over images and pixels.

    Source: Hinton et al. 2015, section 2; T² keeps the gradient's size when T changes.
    """
    teacher_log_probabilities = functional.log_softmax(
        teacher_logits.detach() / temperature, dim=1
    )
    student_log_probabilities = functional.log_softmax(student_logits / temperature, dim=1)
    divergence = functional.kl_div(
        student_log_probabilities,
        teacher_log_probabilities,
        reduction="batchmean",
        log_target=True,
    )
    # "batchmean" divides by images only; dense logits also average over pixels.
    return temperature**2 * divergence / math.prod(student_logits.shape[2:])


def soft_label_loss(
    student_logits: Float[Tensor, "image label"],
    teacher_logits: Float[Tensor, "image label"],
    *,
    temperature: float,
) -> Float[Tensor, ""]:
    """T²-scaled binary cross-entropy of sigmoids at temperature T, mean over images and labels.

    For multi-label tasks, where each label is present or absent independently.
    """
    teacher_probabilities = torch.sigmoid(teacher_logits.detach() / temperature)
    cross_entropy = functional.binary_cross_entropy_with_logits(
        student_logits / temperature, teacher_probabilities
    )
    return temperature**2 * cross_entropy
