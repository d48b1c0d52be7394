"""Maps of held-out pictures under the loss network, computed once per training."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from workers.methods.dynamic_instance_normalization.loss_network import LossNetwork
from workers.torchkit.devices import memory_budget


class HeldOutMaps:
    """Maps of the same pictures under a network that does not learn, kept within a budget.

    Args:
        budget_bytes: Largest size of all kept maps; others are computed at every request. None
            uses the free memory.
    """

    def __init__(
        self,
        network: LossNetwork,
        pictures: Float[Tensor, "image 3 row column"],
        *,
        budget_bytes: int | None = None,
    ) -> None:
        self._network, self._pictures = network, pictures
        budget = memory_budget(pictures.device) if budget_bytes is None else budget_bytes
        self._left = budget
        self._stored: dict[int, tuple[Tensor, ...]] = {}

    def of(self, indices: Sequence[int]) -> tuple[Float[Tensor, "image ..."], ...]:
        """The maps (image, channel, row, column) of every layer, of the pictures at these indices."""
        missing = [index for index in dict.fromkeys(indices) if index not in self._stored]
        computed = self._computed(missing)
        for index, maps in computed.items():
            size = sum(part.element_size() * part.numel() for part in maps)
            if size <= self._left:
                self._left -= size
                self._stored[index] = maps
        by_picture = [self._stored.get(index) or computed[index] for index in indices]
        return tuple(torch.stack(parts) for parts in zip(*by_picture, strict=True))

    def _computed(self, indices: Sequence[int]) -> dict[int, tuple[Tensor, ...]]:
        """The maps by picture, in one pass."""
        if not indices:
            return {}
        with torch.no_grad():
            layers = self._network(self._pictures[list(indices)])
        pictures = zip(*(layer.unbind(0) for layer in layers), strict=True)
        return dict(zip(indices, pictures, strict=True))
