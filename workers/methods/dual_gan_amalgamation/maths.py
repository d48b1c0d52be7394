"""The losses of images, inner maps and the student, one function each.

Logits of ``MULTI_LABEL`` tasks are independent and go through a sigmoid; others go through a
softmax over the outputs of one network.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from service.core.manifest import TaskKind

_SMALLEST = 1e-12

Logits = Float[Tensor, "image output"]
One = Float[Tensor, ""]


def shares(logits: Logits, task: TaskKind) -> Float[Tensor, "image output"]:
    """Probability of every label: sigmoid for multi-label tasks, else softmax."""
    return logits.sigmoid() if task is TaskKind.MULTI_LABEL else logits.softmax(dim=1)


def one_hot_loss(logits: Logits, task: TaskKind) -> One:
    """Cross-entropy of logits with their own decisions, mean over images (and multi-labels).

    Source: Ye et al. 2020, L_oh; Chen et al. 2019, equation 3, for one label. No gradient flows
    through the decisions.
    """
    if task is TaskKind.MULTI_LABEL:
        decisions = (logits.detach() >= 0).to(logits.dtype)
        return functional.binary_cross_entropy_with_logits(logits, decisions)
    return functional.cross_entropy(logits, logits.detach().argmax(dim=1))


def expected_labels(logits: Logits, task: TaskKind) -> Float[Tensor, " output"]:
    """Expected frequency of every label in the batch, as shares that sum to 1."""
    mean = shares(logits, task).mean(dim=0)
    return mean / mean.sum().clamp_min(_SMALLEST)


def entropy(shares_of_one: Float[Tensor, " output"]) -> One:
    """-Σ p·ln p in nats."""
    terms: Tensor = torch.special.xlogy(shares_of_one, shares_of_one.clamp_min(_SMALLEST))
    return -terms.sum()


def entropy_loss(logits: Logits, task: TaskKind) -> One:
    """Negative entropy of the labels of a batch: minimal when all are equally frequent.

    Source: Ye et al. 2020, L_ie; Chen et al. 2019, equation 5.
    """
    return -entropy(expected_labels(logits, task))


def activation_loss(features: Float[Tensor, "image ..."]) -> One:
    """Negative mean |feature|. Source: Ye et al. 2020, L_a; Chen et al. 2019, eq. 4."""
    return -features.float().abs().mean()


def discrete_loss(logits: Logits) -> One:
    """Mean probability that a label is present: small when images have few labels.

    Source: Ye et al. 2020, L_dis.
    """
    return logits.sigmoid().mean()


def agreement_loss(student_logits: Logits, teacher_logits: Logits, task: TaskKind) -> One:
    """Cross-entropy of the student's with the teacher's probabilities; no gradient to the teacher.

    Source: Ye et al. 2020, l of the joint loss and of the branches; the softmax form is ours.
    """
    target = shares(teacher_logits.detach(), task)
    if task is TaskKind.MULTI_LABEL:
        return functional.binary_cross_entropy_with_logits(student_logits, target)
    return functional.cross_entropy(student_logits, target)


def scaled_distance(
    student_logits: Float[Tensor, "image label"],
    teacher_logits: Float[Tensor, "image label"],
    scale: Float[Tensor, " label"],
) -> One:
    """Mean |difference| of logits, in units of ``scale``.

    Source: Fang et al. 2019, arXiv 1912.11006, equation 4. The scale is ours, so that teachers
    with large logits do not outweigh others.
    """
    return ((student_logits.float() - teacher_logits.float()) / scale).abs().mean()


def cardinality(logits: Logits) -> float:
    """Mean number of labels present per image."""
    return float((logits > 0).sum(dim=1).float().mean())


def coverage(logits: Logits, task: TaskKind) -> float:
    """Entropy of the expected labels over its maximum, from 0 to 1; 1 for a single label."""
    count = logits.shape[1]
    if count == 1:
        return 1.0
    return float(entropy(expected_labels(logits, task))) / float(torch.tensor(count).log())
