"""Log-odds of classes, and how many directions the responses of a network span."""

import torch
from jaxtyping import Float64
from torch import Tensor

_ROUNDING = 1e-24
"""Largest mean square of what differs only by rounding, for values of about 1."""


def log_odds(logits: Float64[Tensor, "image unit"]) -> Float64[Tensor, "image unit"]:
    """Log-odds of every class under softmax: the logit minus the log-sum-exp of all others."""
    total = logits.logsumexp(dim=1, keepdim=True)
    others = total + torch.log1p(-(logits - total).exp())
    # Where one class has nearly all of the probability, the difference above cancels.
    first = logits.argmax(dim=1, keepdim=True)
    without_first = logits.scatter(1, first, -torch.inf).logsumexp(dim=1, keepdim=True)
    return logits - others.scatter(1, first, without_first)


def breadth(responses: Float64[Tensor, "image unit"]) -> float:
    """Number of directions in which the responses differ between units, by shares of the variance.

    (Σ v)² / Σ v² over the variances v along the principal axes of the standardized responses, less
    the mean over the units of each image; 0 if nothing varies. A network that tells many kinds of
    images apart has a large one; that it is more certain of some images than of others is no direction.
    """
    deviations = responses - responses.mean(dim=0)
    scales = deviations.square().mean(dim=0).sqrt()
    standardized = deviations[:, scales > 0] / scales[scales > 0]
    contrasts = standardized - standardized.mean(dim=1, keepdim=True)
    images, units = contrasts.shape
    products = contrasts @ contrasts.T if images < units else contrasts.T @ contrasts
    total = products.trace()
    if float(total) <= _ROUNDING * standardized.numel():
        return 0.0
    return float(total.square() / products.square().sum())
