"""What is asked of images, of inner maps and of the student, one function each.

Answers are logits. Where labels may be there or not each on its own (``MULTI_LABEL``) they are
read through a sigmoid, else through a softmax over the answers of one network.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from service.core.manifest import TaskKind
from workers.torchkit.teachers import Head

_SMALLEST = 1e-12

Logits = Float[Tensor, "image output"]
One = Float[Tensor, ""]


def shares(logits: Logits, task: TaskKind) -> Float[Tensor, "image output"]:
    """Probability of every label: of being there, or of being the one."""
    return logits.sigmoid() if task is TaskKind.MULTI_LABEL else logits.softmax(dim=1)


def one_hot_loss(logits: Logits, task: TaskKind) -> One:
    """Cross-entropy with the answer's own decisions, the mean over images and, if many, labels.

    Source: Ye et al. 2020, L_oh; Chen et al. 2019, equation 3, for one label. No gradient flows
    through the decisions.
    """
    if task is TaskKind.MULTI_LABEL:
        chosen = (logits.detach() >= 0).to(logits.dtype)
        return functional.binary_cross_entropy_with_logits(logits, chosen)
    return functional.cross_entropy(logits, logits.detach().argmax(dim=1))


def expected_labels(logits: Logits, task: TaskKind) -> Float[Tensor, " output"]:
    """How frequent every label is in the batch, as shares of 1."""
    mean = shares(logits, task).mean(dim=0)
    return mean / mean.sum().clamp_min(_SMALLEST)


def entropy(shares_of_one: Float[Tensor, " output"]) -> One:
    """-Σ p·ln p in nats."""
    terms: Tensor = torch.special.xlogy(shares_of_one, shares_of_one.clamp_min(_SMALLEST))
    return -terms.sum()


def entropy_loss(logits: Logits, task: TaskKind) -> One:
    """Minus the entropy of the labels of a batch: least where all are equally frequent.

    Source: Ye et al. 2020, L_ie; Chen et al. 2019, equation 5.
    """
    return -entropy(expected_labels(logits, task))


def activation_loss(features: Float[Tensor, "image ..."]) -> One:
    """Minus the mean size of features. Source: Ye et al. 2020, L_a; Chen et al. 2019, eq. 4."""
    return -features.float().abs().mean()


def discrete_loss(logits: Logits) -> One:
    """Mean probability of a label to be there: least where images have few.

    Source: Ye et al. 2020, L_dis.
    """
    return logits.sigmoid().mean()


def agreement_loss(said: Logits, told: Logits, task: TaskKind) -> One:
    """Cross-entropy of probabilities; gradients flow to what is said alone.

    Source: Ye et al. 2020, l of the joint loss and of the branches; the softmax form is ours.
    """
    target = shares(told.detach(), task)
    if task is TaskKind.MULTI_LABEL:
        return functional.binary_cross_entropy_with_logits(said, target)
    return functional.cross_entropy(said, target)


def label_logits(
    columns: Float[Tensor, "image column"], head: Head, task: TaskKind
) -> Float[Tensor, "image label"]:
    """One logit for a label of all columns that teach it; a single column's is its own.

    Where labels may be there or not: ln(Σ p / Σ (1 - p)), the logit of the mean probability; else
    the mean of logits. Ours: the source's teachers share no labels.

    Args:
        columns: The wanted outputs of all teachers, in the order of ``head.columns``.
    """
    places = [
        [place for place, one in enumerate(head.columns) if one.label == label]
        for label in range(len(head.labels))
    ]
    found = [_together(columns[:, of_one], task) for of_one in places]
    return torch.stack(found, dim=1)


def _together(columns: Float[Tensor, "image column"], task: TaskKind) -> Float[Tensor, " image"]:
    if columns.shape[1] == 1:
        return columns[:, 0]
    if task is not TaskKind.MULTI_LABEL:
        return columns.mean(dim=1)
    there, not_there = functional.logsigmoid(columns), functional.logsigmoid(-columns)
    return there.logsumexp(dim=1) - not_there.logsumexp(dim=1)


def scaled_distance(
    said: Float[Tensor, "image label"],
    told: Float[Tensor, "image label"],
    scale: Float[Tensor, " label"],
) -> One:
    """Mean |difference| of logits in units of ``scale``.

    Source: Fang et al. 2019, arXiv 1912.11006, equation 4; the scale is ours, so that teachers of
    large logits do not outweigh others.
    """
    return ((said.float() - told.float()) / scale).abs().mean()


def cardinality(logits: Logits) -> float:
    """Mean number of labels that are there."""
    return float((logits > 0).sum(dim=1).float().mean())


def coverage(logits: Logits, task: TaskKind) -> float:
    """Entropy of the expected labels over the largest possible, from 0 to 1; 1 for one label."""
    count = logits.shape[1]
    if count == 1:
        return 1.0
    return float(entropy(expected_labels(logits, task))) / float(torch.tensor(count).log())
