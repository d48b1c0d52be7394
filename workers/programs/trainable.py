"""A program with trainable weights: the same instructions over a module's parameters."""

from collections.abc import Callable
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from workers.programs.program import Program

_SPATIAL = 4


class TrainableProgram(nn.Module):
    """The network up to ``layer``; maps are averaged over rows and columns, others flattened.

    Its weights are copies, so the program does not change. Batch statistics and dropout are in
    inference mode, as exported.

    Args:
        program: A program with a free batch size.
    """

    def __init__(self, program: Program, layer: str) -> None:
        super().__init__()
        self._program = program
        self._slot = program.slot_of(layer)
        self._names: dict[int, str] = {}
        for slot, tensor in program.weights_of(layer).items():
            name = f"weight_{slot}"
            self._names[slot] = name
            if slot in program.trained_slots:
                self.register_parameter(name, nn.Parameter(tensor.detach().clone()))
            else:
                self.register_buffer(name, tensor.detach().clone())

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's own signature
        """Moves weights like any module; the instructions follow to their device."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        device = next(iter(self.state_dict().values())).device
        self._program = self._program.to(device)
        return self

    def forward(
        self, images: Float[Tensor, "image channel row column"]
    ) -> Float[Tensor, "image unit"]:
        """Features of the layer, differentiable in parameters and images."""
        weights = {slot: getattr(self, name) for slot, name in self._names.items()}
        values = self._program.interpret(images, (self._slot,), weights=weights)
        features: Tensor = values[self._slot]
        return features.mean(dim=(2, 3)) if features.ndim == _SPATIAL else features.flatten(1)


class Probed(nn.Module):
    """A body, standardization of its features, and a linear layer.

    Args:
        features: Features of the training images, which determine means and deviations.
    """

    center: Tensor
    scale: Tensor

    def __init__(
        self, body: nn.Module, features: Float[Tensor, "image unit"], *, labels: int
    ) -> None:
        super().__init__()
        self.body = body
        self.register_buffer("center", features.mean(dim=0))
        self.register_buffer("scale", features.std(dim=0, correction=0).clamp_min(1e-4))
        self.head = nn.Linear(features.shape[1], labels)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def answer(self, features: Float[Tensor, "image unit"]) -> Float[Tensor, "image label"]:
        """Logits of features."""
        logits: Tensor = self.head((features - self.center) / self.scale)
        return logits

    def forward(
        self, images: Float[Tensor, "image channel row column"]
    ) -> Float[Tensor, "image label"]:
        """Logits of images."""
        return self.answer(self.body(images))


def frozen(network: nn.Module) -> nn.Module:
    """The network with all weights frozen."""
    return network.requires_grad_(requires_grad=False)


def features_of(body: nn.Module, images: Tensor) -> Tensor:
    """Features of the images under the body, without gradients."""
    with torch.no_grad():
        features: Tensor = body(images)
    return features
