"""The parts of the loss, one function each. Gradients flow to the student's side alone."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def soft_target_loss(
    student: Float[Tensor, "image label"],
    teacher: Float[Tensor, "image label"],
    *,
    temperature: float,
) -> Float[Tensor, ""]:
    """T²·KL(p_teacher ‖ p_student) at temperature T, in nats, mean over images.

    Source: Hinton et al. 2015, section 2; T² keeps the gradient's size when T changes.
    """
    told = functional.log_softmax(teacher.detach() / temperature, dim=1)
    said = functional.log_softmax(student / temperature, dim=1)
    divergence = functional.kl_div(said, told, reduction="batchmean", log_target=True)
    return temperature**2 * divergence


def attention_map(
    maps: Float[Tensor, "image channel row column"],
) -> Float[Tensor, "image place"]:
    """Mean of squares over channels, flattened, of length 1 for each image.

    Source: Zagoruyko & Komodakis 2016, section 3.1, F_sum² normalised.
    """
    return functional.normalize(maps.square().mean(dim=1).flatten(1), dim=1)


def attention_loss(
    student: Float[Tensor, "image channel row column"],
    teacher: Float[Tensor, "image other row2 column2"],
) -> Float[Tensor, ""]:
    """Mean squared distance of the attention maps, at the smaller of both sizes.

    Source: Zagoruyko & Komodakis 2016, equation 2; the mean square of their public code rather
    than the norm, whose gradient does not vanish at agreement.
    """
    size = (
        min(student.shape[2], teacher.shape[2]),
        min(student.shape[3], teacher.shape[3]),
    )
    seen, told = (functional.adaptive_avg_pool2d(m, size) for m in (student, teacher.detach()))
    return (attention_map(seen) - attention_map(told)).square().mean()


def feature_loss(
    student: Float[Tensor, "image unit"], teacher: Float[Tensor, "image unit"]
) -> Float[Tensor, ""]:
    """Half the mean squared difference. Source: FitNets, Romero et al. 2014, equation 3."""
    return 0.5 * (student - teacher.detach()).square().mean()


def pooled(features: Float[Tensor, "image ..."]) -> Float[Tensor, "image unit"]:
    """Maps averaged over rows and columns; anything else flattened."""
    if features.ndim == 4:  # noqa: PLR2004 - image, channel, row, column
        return features.mean(dim=(2, 3))
    return features.flatten(1)


def agreement(
    student: Float[Tensor, "image label"], teacher: Float[Tensor, "image label"]
) -> Float[Tensor, ""]:
    """Share of images on which both name the same label."""
    return (student.argmax(dim=1) == teacher.argmax(dim=1)).to(torch.float32).mean()
