"""Features of held-out images under a body that does not learn, computed once per training."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from workers.programs.trainable import Probed
from workers.torchkit.devices import memory_budget

Parts = Callable[[], Iterator[Tensor]]


@dataclass
class FrozenFeatures:
    """Features of the same images under one network, kept on the CPU within a budget.

    Attributes:
        budget_bytes: Largest size of all features; larger ones are computed at every request. None
            uses the free memory.
    """

    budget_bytes: int | None = None
    _network: Probed | None = None
    _parts: list[Tensor] = field(default_factory=list)

    def of(self, network: Probed, parts: Parts, *, images: int) -> Iterator[Tensor]:
        """Features (image, unit), part by part, on the device of the images."""
        if self._network is network:
            yield from self._parts
            return
        features: list[Tensor] = []
        for part in parts():
            value: Tensor = network.body(part)
            yield value
            if self._fits(value, images):
                features.append(value)
        if sum(len(value) for value in features) == images:
            self._network, self._parts = network, features

    def _fits(self, part: Tensor, images: int) -> bool:
        """Whether features of all images fit, by the size of a part of them."""
        budget = memory_budget(part.device) if self.budget_bytes is None else self.budget_bytes
        return part.element_size() * part.numel() // max(1, len(part)) * images <= budget


def logits_from(features: Iterator[Tensor], network: Probed) -> Tensor:
    """Logits (image, label) of features, float32 on the CPU."""
    return torch.cat([network.answer(part).float().cpu() for part in features])
