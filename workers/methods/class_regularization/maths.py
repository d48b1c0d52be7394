"""The equations of the few-shot learner, one function each, and those of its evaluation."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

SHRINKAGE = 0.1
_NORMAL_QUANTILE = 1.96


def code(
    features: Float[Tensor, "*image unit"],
    weight: Float[Tensor, "entry unit"],
    bias: Float[Tensor, " entry"],
) -> Float[Tensor, "*image entry"]:
    """Where features lie in the class domain: shares of the basis vectors, which sum to 1."""
    return functional.linear(features, weight, bias).softmax(-1)


def decoded(
    codes: Float[Tensor, "*image entry"], basis: Float[Tensor, "entry unit"]
) -> Float[Tensor, "*image unit"]:
    """The basis vectors, mixed by their shares."""
    return codes @ basis


def episode_loss(
    logits: Float[Tensor, "episode query way"], truth: Int64[Tensor, " query"]
) -> Float[Tensor, ""]:
    """Cross-entropy of all queries of all episodes; ``truth`` is the same in every episode."""
    return functional.cross_entropy(logits.flatten(0, 1), truth.repeat(len(logits)))


def class_loss(
    features: Float[Tensor, "image unit"],
    labels: Int64[Tensor, " image"],
    weight: Float[Tensor, "entry unit"],
    bias: Float[Tensor, " entry"],
) -> Float[Tensor, ""]:
    """Cross-entropy of the encoder with the base classes, which ties one basis vector to each."""
    return functional.cross_entropy(functional.linear(features, weight, bias), labels)


def entropy(codes: Float[Tensor, "*image entry"]) -> Float[Tensor, ""]:
    """Mean entropy of codes in nats; 0 if every code is one basis vector."""
    nats: Tensor = torch.special.entr(codes).sum(-1).mean()
    return nats


def whitening(
    features: Float[Tensor, "image unit"],
    labels: Int64[Tensor, " image"],
    *,
    shrinkage: float = SHRINKAGE,
) -> Float[Tensor, "unit unit"]:
    """Inverse square root of the covariance within classes, shrunk towards a multiple of I."""
    values = features.double()
    means = class_means(values, labels)
    inner = values - means[labels]
    covariance = inner.T @ inner / len(values)
    units = covariance.shape[0]
    level = covariance.trace() / units
    shrunk = covariance + shrinkage * level * torch.eye(
        units, dtype=values.dtype, device=values.device
    )
    variances, axes = torch.linalg.eigh(shrunk)
    roots = variances.clamp_min(torch.finfo(values.dtype).tiny).rsqrt()
    root: Tensor = ((axes * roots) @ axes.T).to(features.dtype)
    return root


def class_means(
    features: Float[Tensor, "image unit"], labels: Int64[Tensor, " image"]
) -> Float[Tensor, "label unit"]:
    """Mean of the features of each label."""
    sums = features.new_zeros(int(labels.max()) + 1, features.shape[1])
    counts = labels.bincount(minlength=len(sums)).clamp_min(1)
    return sums.index_add(0, labels, features) / counts.unsqueeze(1)


def meta_shift(descriptors: Float[Tensor, "way draw unit"]) -> float:
    """Spread of a class's descriptors over support sets, relative to that between classes."""
    centers = descriptors.mean(dim=1)
    within = (descriptors - centers.unsqueeze(1)).square().sum(-1).mean()
    between = (centers - centers.mean(dim=0)).square().sum(-1).mean()
    return float(within / between)


@dataclass(frozen=True)
class EpisodeEstimate:
    """A mean over episodes, and half the width of its 95 % interval."""

    mean: float
    half_width: float


def estimate(values: Float[Tensor, " episode"]) -> EpisodeEstimate:
    """Mean over episodes with ``1.96 s / sqrt(n)``; several episodes are needed."""
    deviation = float(values.double().std(correction=1))
    half_width = _NORMAL_QUANTILE * deviation / math.sqrt(len(values))
    return EpisodeEstimate(float(values.double().mean()), half_width)


def paired_difference(
    values: Float[Tensor, " episode"], reference: Float[Tensor, " episode"]
) -> EpisodeEstimate:
    """Mean difference on the same episodes."""
    return estimate(values.double() - reference.double())
