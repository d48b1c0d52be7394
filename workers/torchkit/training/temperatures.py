"""How uncertain a teacher is, and the temperature at which it is as uncertain as the others."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

_COLDEST, _HOTTEST = 0.02, 50.0
_HALVINGS = 40

Ambiguity = Callable[[Tensor], Tensor]


def entropy(logits: Float[Tensor, "image label"]) -> Float[Tensor, " image"]:
    """Entropy of the softmax in nats, from 0 (one certain label) to ln(labels).

    Source: Shen et al. 2019, the ambiguity of a source.
    """
    entropies: Tensor = torch.special.entr(logits.softmax(dim=1)).sum(dim=1)
    return entropies


def bernoulli_entropy(logits: Float[Tensor, "image label"]) -> Float[Tensor, " image"]:
    """Mean over labels of the entropy of their presence, in nats, from 0 to ln 2."""
    present, absent = logits.sigmoid(), (-logits).sigmoid()
    entropies: Tensor = (torch.special.entr(present) + torch.special.entr(absent)).mean(dim=1)
    return entropies


def temperature_for(
    logits: Float[Tensor, "image label"], mean: float, ambiguity: Ambiguity
) -> float:
    """The temperature at which the mean ambiguity over all images is ``mean``.

    Found by bisection of its logarithm between ln 0.02 and ln 50, or the nearer bound if it lies
    outside. Entropy increases with the temperature.
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


def common_temperatures(
    logits_by_teacher: Sequence[Float[Tensor, "image label"]], ambiguity: Ambiguity
) -> tuple[float, ...]:
    """The temperature of every teacher at which all have the same mean ambiguity.

    The common mean is that of all teachers at temperature 1. No labels are needed.
    """
    means = [ambiguity(logits).double().mean() for logits in logits_by_teacher]
    common = float(torch.stack(means).mean())
    return tuple(temperature_for(logits, common, ambiguity) for logits in logits_by_teacher)
