"""Estimators that predict the target's labels from the network's own classes.

Axes: ``image`` one labeled image, ``source`` one class of the network (or one component of a
mixture), ``label`` one class of the target.
"""

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor


def leep(probabilities: Float64[Tensor, "image source"], labels: Int64[Tensor, " image"]) -> float:
    """Mean log likelihood of the labels if each source class predicts its label frequencies.

    (1/n) Σᵢ log Σ_z P(yᵢ | z) θ(xᵢ)_z with P(y, z) = (1/n) Σ_{i: yᵢ = y} θ(xᵢ)_z. At most 0.

    Source: Nguyen et al., LEEP, ICML 2020, equations 1 and 2.
    """
    counts = torch.bincount(labels)
    joint = probabilities.new_zeros(len(counts), probabilities.shape[1])
    joint.index_add_(0, labels, probabilities)
    conditional = joint / joint.sum(dim=0).clamp_min(torch.finfo(joint.dtype).tiny)
    expected = (conditional[labels] * probabilities).sum(dim=1)
    return float(expected.log().mean())


def nce(logits: Float[Tensor, "image source"], labels: Int64[Tensor, " image"]) -> float:
    """−H(Y | Z) of the labels Y given the class Z that the network predicts, in nats. At most 0.

    Source: Tran et al., Transferability and Hardness of Supervised Classification Tasks, ICCV
    2019, equation 4.
    """
    predicted = logits.argmax(dim=1)
    classes = int(labels.max()) + 1
    # One histogram over (source, label) pairs, flattened to source · classes + label.
    pairs = torch.bincount(predicted * classes + labels, minlength=logits.shape[1] * classes)
    joint = pairs.reshape(-1, classes).double() / len(labels)
    conditional = joint / joint.sum(dim=1, keepdim=True)
    return float(torch.where(joint > 0, joint * conditional.log(), 0.0).sum())
