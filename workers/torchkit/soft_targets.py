"""How far a student's answers are from a teacher's, as probabilities. The teacher gets no gradient."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def soft_target_loss(
    student: Float[Tensor, "image label *place"],
    teacher: Float[Tensor, "image label *place"],
    *,
    temperature: float,
) -> Float[Tensor, ""]:
    """T²·KL(p_teacher ‖ p_student) at temperature T, in nats, mean over images and pixels.

    Source: Hinton et al. 2015, section 2; T² keeps the gradient's size when T changes.
    """
    told = functional.log_softmax(teacher.detach() / temperature, dim=1)
    said = functional.log_softmax(student / temperature, dim=1)
    divergence = functional.kl_div(said, told, reduction="batchmean", log_target=True)
    return temperature**2 * divergence / math.prod(student.shape[2:])


def soft_label_loss(
    student: Float[Tensor, "image label"],
    teacher: Float[Tensor, "image label"],
    *,
    temperature: float,
) -> Float[Tensor, ""]:
    """T²-scaled cross-entropy of every output's sigmoid with the teacher's, mean over both axes.

    For labels that may be there or not.
    """
    told = torch.sigmoid(teacher.detach() / temperature)
    found = functional.binary_cross_entropy_with_logits(student / temperature, told)
    return temperature**2 * found
