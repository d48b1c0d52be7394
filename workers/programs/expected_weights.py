"""The weights that a network needs, whichever file they come from."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Form = tuple[tuple[int, ...], str]
"""Shape of a tensor, and its kind of numbers: all floating-point types are one kind."""

# Left behind by profilers, by averaging, and by releases of torch before 0.4.1; no weights.
COUNTERS = ("total_ops", "total_params", "num_batches_tracked", "n_averaged")
_DEEPEST_STEM = 8


def form_of(tensor: Tensor) -> Form:
    """The form of a tensor."""
    return tuple(tensor.shape), kind_of_numbers(tensor.dtype)


def kind_of_numbers(dtype: torch.dtype) -> str:
    """``float`` for all floating-point types, which convert into each other, else the type's name."""
    return "float" if dtype.is_floating_point else str(dtype)


@dataclass(frozen=True)
class ExpectedWeights:
    """The weights that a network needs: their forms, and under which other names a tensor is shared."""

    forms: Mapping[str, Form]
    shared: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, network: nn.Module) -> "ExpectedWeights":
        """The weights of a network, which may be on the meta device."""
        entries = network.state_dict(keep_vars=True).items()
        state = {name: tensor for name, tensor in entries if isinstance(tensor, Tensor)}
        names: dict[int, list[str]] = {}
        for name, tensor in state.items():
            names.setdefault(id(tensor), []).append(name)
        shared = {name: tuple(names[id(tensor)]) for name, tensor in state.items()}
        return cls({name: form_of(tensor) for name, tensor in state.items()}, shared)

    def fewest_names(self) -> int:
        """How many names a file must have at least to fill the network."""
        needed = {names[0] for name, names in self.shared.items() if not name.endswith(COUNTERS)}
        return len(needed)

    def stems(self) -> list[str]:
        """The empty prefix, and every prefix that all names share, such as ``network.``."""
        stems = [""]
        words = next(iter(self.forms), "").split(".")
        for depth in range(1, min(len(words), _DEEPEST_STEM)):
            stem = ".".join(words[:depth]) + "."
            if not all(name.startswith(stem) for name in self.forms):
                break
            stems.append(stem)
        return stems
