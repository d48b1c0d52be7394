"""A program with trainable weights: the same instructions over a module's parameters."""

from collections.abc import Callable, Sequence
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from workers.programs.program import Program

_SPATIAL = 4


class _InterpretedProgram(nn.Module):
    """A program's instructions up to some layers over copies of its weights.

    Batch statistics and dropout are in inference mode, as exported.
    """

    def __init__(self, program: Program, layers: Sequence[str]) -> None:
        super().__init__()
        self._program = program
        self._slots = tuple(program.slot_of(layer) for layer in layers)
        self._names: dict[int, str] = {}
        weights = {
            slot: tensor for layer in layers for slot, tensor in program.weights_of(layer).items()
        }
        for slot, tensor in weights.items():
            name = f"weight_{slot}"
            self._names[slot] = name
            if slot in self._learning(program):
                self.register_parameter(name, nn.Parameter(tensor.detach().clone()))
            else:
                self.register_buffer(name, tensor.detach().clone())

    def _learning(self, program: Program) -> frozenset[int]:
        """Slots of the weights that learn."""
        return program.trained_slots

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's own signature
        """Moves weights like any module; the instructions follow to their device."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        device = next(iter(self.state_dict().values())).device
        self._program = self._program.to(device)
        return self

    def _values(self, images: Tensor) -> tuple[Tensor, ...]:
        """Values of the layers, differentiable in parameters and images."""
        weights = {slot: getattr(self, name) for slot, name in self._names.items()}
        values = self._program.interpret(images, self._slots, weights=weights)
        return tuple(values[slot] for slot in self._slots)


class TrainableProgram(_InterpretedProgram):
    """The network up to ``layer``; maps are averaged over rows and columns, others flattened.

    Its weights are copies, so the program does not change.

    Args:
        program: A program with a free batch size.
    """

    def __init__(self, program: Program, layer: str) -> None:
        super().__init__(program, [layer])

    def forward(
        self, images: Float[Tensor, "image channel row column"]
    ) -> Float[Tensor, "image unit"]:
        """Features of the layer, differentiable in parameters and images."""
        (features,) = self._values(images)
        return features.mean(dim=(2, 3)) if features.ndim == _SPATIAL else features.flatten(1)


class FrozenLayers(_InterpretedProgram):
    """The values of several layers, in the order of their names; no weight ever learns."""

    def _learning(self, program: Program) -> frozenset[int]:
        """No slots."""
        del program
        return frozenset()

    def forward(self, images: Float[Tensor, "image channel row column"]) -> tuple[Tensor, ...]:
        """The values, differentiable in the images, which may have any size that the graph allows."""
        return self._values(images)


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

    @property
    def body_is_frozen(self) -> bool:
        """Whether no weight of the body learns, so that an image has the same features for ever."""
        return not any(weight.requires_grad for weight in self.body.parameters())

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
