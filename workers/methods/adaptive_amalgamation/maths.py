"""Who is sure of an image, and how a network comes to answer like another: one function each."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

_COLDEST, _HOTTEST = 0.02, 50.0
_HALVINGS = 40

Ambiguity = Callable[[Tensor], Tensor]


def entropy(logits: Float[Tensor, "image label"]) -> Float[Tensor, " image"]:
    """Entropy of the softmax in nats, from 0 to ln(labels); 0 for an answer without doubt.

    Source: Shen et al. 2019, the ambiguity of a source.
    """
    found: Tensor = torch.special.entr(logits.softmax(dim=1)).sum(dim=1)
    return found


def bernoulli_entropy(logits: Float[Tensor, "image label"]) -> Float[Tensor, " image"]:
    """Mean over labels of the entropy of being there or not, in nats, from 0 to ln 2."""
    there, absent = logits.sigmoid(), (-logits).sigmoid()
    found: Tensor = (torch.special.entr(there) + torch.special.entr(absent)).mean(dim=1)
    return found


def closeness(logits: Float[Tensor, "image label"]) -> Float[Tensor, " image"]:
    """One minus the gap between the two largest shares of the softmax, from 0 to 1.

    Summed from the small shares, so that sure answers stay apart.
    """
    shares = logits.softmax(dim=1).sort(dim=1, descending=True).values
    return shares[:, 1:].sum(dim=1) + shares[:, 1]


def bernoulli_closeness(logits: Float[Tensor, "image label"]) -> Float[Tensor, " image"]:
    """Mean over labels of one minus the gap between being there and not, from 0 to 1."""
    return 2 * (-logits.abs()).sigmoid().mean(dim=1)


def temperature_for(
    logits: Float[Tensor, "image label"], mean: float, ambiguity: Ambiguity
) -> float:
    """The temperature at which the mean ambiguity over all images is ``mean``.

    Found by halving its logarithm between ln 0.02 and ln 50; the nearer end where it lies
    outside. An entropy grows with the temperature.
    """
    low, high = torch.tensor([_COLDEST, _HOTTEST], dtype=torch.float64).log().tolist()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        tempered = logits.double() / torch.tensor(middle, dtype=torch.float64).exp()
        if float(ambiguity(tempered).mean()) < mean:
            low = middle
        else:
            high = middle
    return float(torch.tensor((low + high) / 2, dtype=torch.float64).exp())


def surest(
    ambiguity: Float[Tensor, "source image"],
) -> Float[Tensor, "source image"]:
    """1 where a source is the least ambiguous of an image, the first of equals; else 0.

    Source: Shen et al. 2019, selective learning.
    """
    return one_of(ambiguity.argmin(dim=0), len(ambiguity))


def one_of(chosen: Int64[Tensor, " image"], sources: int) -> Float[Tensor, "source image"]:
    """1 at the chosen source of every image, else 0."""
    return functional.one_hot(chosen, sources).T.to(torch.float32)


def shared(
    ambiguity: Float[Tensor, "source image"], *, softness: float
) -> Float[Tensor, "source image"]:
    """Shares of an image, summing to 1 over sources: softmax(-ambiguity / softness)."""
    return (-ambiguity / softness).softmax(dim=0)


def at_one_size(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Two stacks of maps, averaged over places to the smaller height and width of both."""
    size = (min(one.shape[2], other.shape[2]), min(one.shape[3], other.shape[3]))
    return (
        functional.adaptive_avg_pool2d(one, size),
        functional.adaptive_avg_pool2d(other, size),
    )


def alignment_loss(
    seen: Float[Tensor, "image channel row column"],
    told: Float[Tensor, "image channel row column"],
) -> Float[Tensor, ""]:
    """Mean squared difference of two stacks of maps in their common space.

    Source: Shen et al. 2019, the feature alignment module. Gradients flow to both sides.
    """
    return (seen.float() - told.float()).square().mean()


def row_norm_loss(weight: Float[Tensor, "out channel"]) -> Float[Tensor, ""]:
    """Mean over rows of (‖w‖² - 1)²: 0 for rows of length 1, 1 for zeros.

    Source: Shen et al. 2019; it keeps both sides of an alignment from vanishing together.
    """
    return (weight.square().sum(dim=1) - 1).square().mean()


def scaled_logits_loss(
    said: Float[Tensor, "image label"],
    told: Float[Tensor, "image label"],
    scale: Float[Tensor, ""],
) -> Float[Tensor, ""]:
    """Mean squared difference of ``scale`` · said and told; gradients flow to said and scale.

    Source: Shen et al. 2019, soft targets, with the scale of the authors' attribute programs.
    """
    return (scale * said.float() - told.detach().float()).square().mean()
