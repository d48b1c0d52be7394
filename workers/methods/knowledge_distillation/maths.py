"""The parts of the loss, one function each. Gradients flow to the student's side alone."""

from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional


def attention_map(
    maps: Float[Tensor, "image channel row column"],
) -> Float[Tensor, "image place"]:
    """Mean of squares over channels, flattened, of length 1 for each image.

    Source: Zagoruyko & Komodakis 2016, section 3.1, F_sum² normalized.
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
    return (attention_map(seen.float()) - attention_map(told.float())).square().mean()


def feature_loss(
    student: Float[Tensor, "image unit"], teacher: Float[Tensor, "image unit"]
) -> Float[Tensor, ""]:
    """Half the mean squared difference. Source: FitNets, Romero et al. 2014, equation 3."""
    return 0.5 * (student.float() - teacher.detach().float()).square().mean()


def pooled(features: Float[Tensor, "image ..."]) -> Float[Tensor, "image unit"]:
    """Maps averaged over rows and columns; anything else flattened."""
    if features.ndim == 4:  # noqa: PLR2004 - image, channel, row, column
        return features.mean(dim=(2, 3))
    return features.flatten(1)


def label_loss(
    logits: Float[Tensor, "image label"], labels: Int64[Tensor, " image"]
) -> Float[Tensor, ""]:
    """Cross-entropy with the labels of the images that have one (not -1); 0 where none has."""
    if not bool((labels >= 0).any()):
        return logits.new_zeros(())
    return functional.cross_entropy(logits, labels, ignore_index=-1)
