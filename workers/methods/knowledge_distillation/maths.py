"""The terms of the loss, one function each. Gradients flow only to the student."""

from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional


def attention_map(
    maps: Float[Tensor, "image channel row column"],
) -> Float[Tensor, "image position"]:
    """Mean of squares over channels, flattened, with norm 1 for each image.

    Source: Zagoruyko & Komodakis 2016, section 3.1, F_sum² normalized.
    """
    return functional.normalize(maps.square().mean(dim=1).flatten(1), dim=1)


def attention_loss(
    student_maps: Float[Tensor, "image channel row column"],
    teacher_maps: Float[Tensor, "image other row2 column2"],
) -> Float[Tensor, ""]:
    """Mean squared distance of the attention maps, at the smaller of the two sizes.

    Source: Zagoruyko & Komodakis 2016, equation 2; the mean square of their public code rather
    than the norm, whose gradient does not vanish at agreement.
    """
    size = (
        min(student_maps.shape[2], teacher_maps.shape[2]),
        min(student_maps.shape[3], teacher_maps.shape[3]),
    )
    student_pooled, teacher_pooled = (
        functional.adaptive_avg_pool2d(maps, size)
        for maps in (student_maps, teacher_maps.detach())
    )
    return (
        (attention_map(student_pooled.float()) - attention_map(teacher_pooled.float()))
        .square()
        .mean()
    )


def feature_loss(
    student_features: Float[Tensor, "image unit"], teacher_features: Float[Tensor, "image unit"]
) -> Float[Tensor, ""]:
    """Half the mean squared difference. Source: FitNets, Romero et al. 2014, equation 3."""
    return 0.5 * (student_features.float() - teacher_features.detach().float()).square().mean()


def pooled(features: Float[Tensor, "image ..."]) -> Float[Tensor, "image unit"]:
    """Maps averaged over rows and columns; other features flattened."""
    if features.ndim == 4:  # noqa: PLR2004 - image, channel, row, column
        return features.mean(dim=(2, 3))
    return features.flatten(1)


def label_loss(
    logits: Float[Tensor, "image label"], labels: Int64[Tensor, " image"]
) -> Float[Tensor, ""]:
    """Cross-entropy over labeled images (label not -1); 0 if there are none."""
    if not bool((labels >= 0).any()):
        return logits.new_zeros(())
    return functional.cross_entropy(logits, labels, ignore_index=-1)
