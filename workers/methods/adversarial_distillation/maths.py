"""What student and generator are paid for, one function each.

Answers are logits: one row of labels for an image, or one for each of its pixels.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from service.core.catalogue.adversarial_distillation import AdversarialForm
from service.core.manifest import TaskKind

_SMALLEST = 1e-12

Logits = Float[Tensor, "image label *place"]
Each = Float[Tensor, " image"]
One = Float[Tensor, ""]


def at_smaller(said: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
    """Both answers at the smaller height and width of the two, bilinearly; gradients flow."""
    if said.shape[2:] == told.shape[2:]:
        return said, told
    size = [min(one) for one in zip(said.shape[2:], told.shape[2:], strict=True)]
    return _resized(said, size), _resized(told, size)


def _resized(logits: Tensor, size: list[int]) -> Tensor:
    if list(logits.shape[2:]) == size:
        return logits
    return functional.interpolate(logits, size=size, mode="bilinear", align_corners=False)


def absolute_discrepancy(said: Logits, told: Logits) -> Each:
    """Mean |difference| of an image's logits; the mean over images is that over all elements.

    Source: Fang et al. 2019, arXiv 1912.11006. In float32 whatever the networks compute in.
    """
    return (said.float() - told.float()).abs().flatten(1).mean(dim=1)


def divergence(said: Logits, told: Logits, *, temperature: float) -> Each:
    """T²·KL(p_told ‖ p_said) over labels at temperature T, in nats; the mean over pixels.

    Source: Hinton et al. 2015, section 2; Choi et al. 2020, arXiv 2005.04136, for both players.
    """
    p = functional.log_softmax(told.float() / temperature, dim=1)
    q = functional.log_softmax(said.float() / temperature, dim=1)
    each: Each = (p.exp() * (p - q)).sum(dim=1).unsqueeze(-1).flatten(1).mean(dim=1)
    return temperature**2 * each


def label_divergence(said: Logits, told: Logits, *, temperature: float) -> Each:
    """The same where every label is there or not on its own; the sum over labels."""
    pairs = [torch.stack([one, torch.zeros_like(one)], dim=1) for one in (said, told)]
    return divergence(*pairs, temperature=temperature) * said.shape[1]


def adversarial_loss(discrepancy: One, form: AdversarialForm) -> One:
    """-D, or -log(1 + D), whose gradient is that of -D over 1 + D.

    Source: Fang et al. 2019, arXiv 1912.11006.
    """
    if form is AdversarialForm.LOGARITHMIC:
        return -torch.log1p(discrepancy)
    return -discrepancy


def decided(logits: Logits, task: TaskKind) -> Tensor:
    """The label with the largest logit, or for each label whether it is there (0 or 1)."""
    if task is TaskKind.MULTI_LABEL:
        return (logits.detach() > 0).to(logits.dtype)
    return logits.detach().argmax(dim=1)


def one_hot_loss(logits: Logits, decisions: Tensor, task: TaskKind) -> One:
    """Cross-entropy with decisions, the mean over images and pixels, or labels that may be there.

    Source: Chen et al. 2019 (DAFL), arXiv 1904.01186.
    """
    if task is TaskKind.MULTI_LABEL:
        return functional.binary_cross_entropy_with_logits(logits, decisions)
    return functional.cross_entropy(logits, decisions)


def label_shares(logits: Logits, task: TaskKind) -> Float[Tensor, " label"]:
    """How often each label is expected over the batch, as shares of 1."""
    multiple = task is TaskKind.MULTI_LABEL
    expected = logits.sigmoid() if multiple else functional.softmax(logits, dim=1)
    over = [axis for axis in range(logits.ndim) if axis != 1]
    mean = expected.mean(dim=over)
    return mean / mean.sum().clamp_min(_SMALLEST)


def balance_loss(shares: Float[Tensor, " label"]) -> One:
    """Σ p·ln p: smallest, at -ln(labels), where all labels are equally frequent.

    Source: Chen et al. 2019 (DAFL), arXiv 1904.01186, as information entropy.
    """
    total: One = torch.special.xlogy(shares, shares.clamp_min(_SMALLEST)).sum()
    return total


def evenness(counts: Float[Tensor, " label"]) -> float:
    """Entropy of counts over the largest that it can be, from 0 to 1; 1 for a single label."""
    if len(counts) == 1:
        return 1.0
    shares = counts.double() / counts.double().sum().clamp_min(_SMALLEST)
    return float(-torch.special.xlogy(shares, shares.clamp_min(_SMALLEST)).sum()) / float(
        torch.tensor(float(len(counts))).log()
    )


def largest_share(counts: Float[Tensor, " label"]) -> float:
    """How much of all counts falls to the commonest label, from 0 to 1."""
    return float(counts.max() / counts.sum().clamp_min(_SMALLEST))


def counted(decisions: Tensor, labels: int, task: TaskKind) -> Float[Tensor, " label"]:
    """How often each label was decided for."""
    if task is TaskKind.MULTI_LABEL:
        return decisions.sum(dim=0).float()
    return torch.bincount(decisions.flatten(), minlength=labels).float()


def drawn_labels(count: int, labels: int, generator: torch.Generator) -> Int64[Tensor, " image"]:
    """Labels that images are asked to show, all equally likely."""
    return torch.randint(labels, (count,), generator=generator)
