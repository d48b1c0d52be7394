"""The losses of student and generator, one function each.

Logits have one row of labels per image, or one per pixel.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from service.core.catalog.adversarial_distillation import AdversarialForm
from service.core.manifest import TaskKind

_SMALLEST = 1e-12

Logits = Float[Tensor, "image label *pixel"]
Each = Float[Tensor, " image"]
One = Float[Tensor, ""]


def at_smaller(student_logits: Tensor, teacher_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Both logits, resized bilinearly to the smaller height and width; differentiable."""
    if student_logits.shape[2:] == teacher_logits.shape[2:]:
        return student_logits, teacher_logits
    size = [
        min(sides)
        for sides in zip(student_logits.shape[2:], teacher_logits.shape[2:], strict=True)
    ]
    return _resized(student_logits, size), _resized(teacher_logits, size)


def _resized(logits: Tensor, size: list[int]) -> Tensor:
    if list(logits.shape[2:]) == size:
        return logits
    return functional.interpolate(logits, size=size, mode="bilinear", align_corners=False)


def absolute_discrepancy(student_logits: Logits, teacher_logits: Logits) -> Each:
    """Mean |difference| of the logits of each image.

    Computed in float32. Source: Fang et al. 2019, arXiv 1912.11006.
    """
    return (student_logits.float() - teacher_logits.float()).abs().flatten(1).mean(dim=1)


def divergence(student_logits: Logits, teacher_logits: Logits, *, temperature: float) -> Each:
    """T²·KL(p_teacher ‖ p_student) per image at temperature T, in nats, mean over pixels.

    Source: Hinton et al. 2015, section 2; Choi et al. 2020, arXiv 2005.04136, for both networks.
    """
    teacher_log_probabilities = functional.log_softmax(teacher_logits.float() / temperature, dim=1)
    student_log_probabilities = functional.log_softmax(student_logits.float() / temperature, dim=1)
    # (image, label, …) summed over labels; the mean over pixels also covers plain (image, label).
    divergences: Each = (
        (teacher_log_probabilities.exp() * (teacher_log_probabilities - student_log_probabilities))
        .sum(dim=1)
        .unsqueeze(-1)
        .flatten(1)
        .mean(dim=1)
    )
    return temperature**2 * divergences


def label_divergence(
    student_logits: Logits, teacher_logits: Logits, *, temperature: float
) -> Each:
    """The divergence of independent labels, summed over labels."""
    # sigmoid(z) is the softmax of (z, 0): each label becomes a problem of two labels, and the
    # mean over (label) "pixels" times their number is the sum. Shapes (image, 2, label).
    pairs = [
        torch.stack([logits, torch.zeros_like(logits)], dim=1)
        for logits in (student_logits, teacher_logits)
    ]
    return divergence(*pairs, temperature=temperature) * student_logits.shape[1]


def adversarial_loss(discrepancy: One, form: AdversarialForm) -> One:
    """−D, or −log(1 + D), whose gradient is that of −D divided by 1 + D.

    Source: Fang et al. 2019, arXiv 1912.11006.
    """
    if form is AdversarialForm.LOGARITHMIC:
        return -torch.log1p(discrepancy)
    return -discrepancy


def decided(logits: Logits, task: TaskKind) -> Tensor:
    """The label with the largest logit; for multi-label tasks, presence of each label (0 or 1)."""
    if task is TaskKind.MULTI_LABEL:
        return (logits.detach() > 0).to(logits.dtype)
    return logits.detach().argmax(dim=1)


def one_hot_loss(logits: Logits, decisions: Tensor, task: TaskKind) -> One:
    """Cross-entropy with decisions, mean over images and pixels (or labels, if multi-label).

    Source: Chen et al. 2019 (DAFL), arXiv 1904.01186.
    """
    if task is TaskKind.MULTI_LABEL:
        return functional.binary_cross_entropy_with_logits(logits, decisions)
    return functional.cross_entropy(logits, decisions)


def label_shares(logits: Logits, task: TaskKind) -> Float[Tensor, " label"]:
    """Expected frequency of each label over the batch, as shares that sum to 1."""
    is_multi_label = task is TaskKind.MULTI_LABEL
    expected = logits.sigmoid() if is_multi_label else functional.softmax(logits, dim=1)
    reduced_axes = [axis for axis in range(logits.ndim) if axis != 1]
    mean = expected.mean(dim=reduced_axes)
    return mean / mean.sum().clamp_min(_SMALLEST)


def balance_loss(shares: Float[Tensor, " label"]) -> One:
    """Σ p·ln p, minimal at −ln(labels) when all labels are equally frequent.

    Source: Chen et al. 2019 (DAFL), arXiv 1904.01186, as information entropy.
    """
    total: One = torch.special.xlogy(shares, shares.clamp_min(_SMALLEST)).sum()
    return total


def evenness(counts: Float[Tensor, " label"]) -> float:
    """Entropy of counts divided by its maximum, from 0 to 1; 1 for a single label."""
    if len(counts) == 1:
        return 1.0
    shares = counts.double() / counts.double().sum().clamp_min(_SMALLEST)
    return float(-torch.special.xlogy(shares, shares.clamp_min(_SMALLEST)).sum()) / float(
        torch.tensor(float(len(counts))).log()
    )


def largest_share(counts: Float[Tensor, " label"]) -> float:
    """Share of the most common label in all counts, from 0 to 1."""
    return float(counts.max() / counts.sum().clamp_min(_SMALLEST))


def counted(decisions: Tensor, labels: int, task: TaskKind) -> Float[Tensor, " label"]:
    """Number of decisions for each label."""
    if task is TaskKind.MULTI_LABEL:
        return decisions.sum(dim=0).float()
    return torch.bincount(decisions.flatten(), minlength=labels).float()


def drawn_labels(count: int, labels: int, generator: torch.Generator) -> Int64[Tensor, " image"]:
    """Uniformly random labels that images are requested to show."""
    return torch.randint(labels, (count,), generator=generator)
