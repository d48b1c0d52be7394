"""What the class scores of a network mean: logits, probabilities or log-probabilities.

Axes: ``image`` one image, ``source`` one class of the network.
"""

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from service.core.manifest import TaskKind
from service.core.output_scales import OutputScale
from workers.programs.outputs import scale_of


def class_probabilities(
    scores: Float[Tensor, "image source"],
) -> Float64[Tensor, "image source"]:
    """Probabilities of the classes; the values show whether a softmax was already applied.

    Rows that are nonnegative and sum to 1 are probabilities. All others go through softmax, which
    leaves log-probabilities as they are. Rows must be usable by ``usable_scores``.
    """
    rows = scores.double()
    if scale_of(rows, task=TaskKind.CLASSIFICATION) is OutputScale.PROBABILITIES:
        return rows / rows.sum(dim=1, keepdim=True)
    return rows.softmax(dim=1)


def usable_scores(scores: Float[Tensor, "image source"]) -> Bool[Tensor, " image"]:
    """Rows that give probabilities: no NaN, no +∞, and not −∞ for every class.

    −∞ is the logarithm of a probability that rounded to zero.
    """
    return (scores < torch.inf).all(dim=1) & (scores > -torch.inf).any(dim=1)
