"""The reader protocol for eager modules, which are built here and not uploaded."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

import torch
from torch import Tensor, nn

from workers.torchkit.attribution.features import OUTPUT, Slope
from workers.torchkit.attribution.slopes import SlopeMode, epsilon_lrp


class _AllCaptured(Exception):  # noqa: N818 - not an error: it ends a forward pass early
    """All requested layers are captured."""


class _Captured:
    """Outputs of named modules, collected by forward hooks."""

    def __init__(self, wanted: Sequence[str]) -> None:
        self.wanted = frozenset(wanted)
        self.outputs: dict[str, Tensor] = {}

    def hook(self, name: str) -> Callable[[nn.Module, Any, Any], Any]:
        """A hook that captures the first output of ``name`` and ends the pass after the last layer."""

        def capture(_module: nn.Module, _inputs: Any, output: Any) -> Any:
            if not isinstance(output, Tensor):
                return output
            self.outputs.setdefault(name, output)
            if self.wanted <= self.outputs.keys():
                raise _AllCaptured
            # Later layers may work in place; the captured tensor must not change.
            return output.clone()

        return capture


class LayerOf:
    """Name, class and output shape of one submodule."""

    def __init__(self, name: str, kind: str, shape: tuple[int, ...]) -> None:
        self.name = name
        self.kind = kind
        self.shape = shape


class ModuleReader:
    """An eager module as a FeatureReader, for networks that are built here and not uploaded.

    The module is in evaluation mode only while it is read. ``feature_layer`` is the name of a
    submodule whose output is one tensor.
    """

    batch: int | None = None

    def __init__(
        self, module: nn.Module, feature_layer: str, *, input_shape: tuple[int, int, int]
    ) -> None:
        self.module = module
        self.feature_layer = feature_layer
        self.input_shape = input_shape
        self.layers: tuple[LayerOf, ...] = self._list_layers()

    def parameters(self) -> Iterator[Tensor]:
        """Every weight of the module."""
        return self.module.parameters()

    def read(
        self, images: Tensor, layers: Sequence[str], *, slope: Slope = Slope.EXACT
    ) -> dict[str, Tensor]:
        """Outputs of the named submodules; computation stops after the last of them."""
        captured = _Captured(layers)
        slopes = SlopeMode(epsilon_lrp) if slope == Slope.EPSILON_LRP else nullcontext()
        hooked = _hooked(self.module, captured)
        with evaluating(self.module), hooked, slopes, suppress(_AllCaptured):
            self.module(images)
        return {name: captured.outputs[name] for name in layers}

    def _list_layers(self) -> tuple[LayerOf, ...]:
        modules = {name: module for name, module in self.module.named_modules() if name}
        captured = _Captured([*modules, "never reached"])
        example = torch.zeros(1, *self.input_shape)
        with torch.no_grad(), evaluating(self.module), _hooked(self.module, captured):
            self.module(example)
        return tuple(
            LayerOf(name, type(modules[name]).__name__, tuple(output.shape[1:]))
            for name, output in captured.outputs.items()
        )


@contextmanager
def _hooked(module: nn.Module, captured: _Captured) -> Iterator[None]:
    """Installs forward hooks on the requested submodules; removes them on exit."""
    modules = {**dict(module.named_modules()), OUTPUT: module}
    handles = [
        modules[name].register_forward_hook(captured.hook(name))
        for name in captured.wanted
        if name in modules
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def evaluating(module: nn.Module) -> Iterator[nn.Module]:
    """The module in evaluation mode; the mode of every submodule is restored on exit."""
    modes = [(submodule, submodule.training) for submodule in module.modules()]
    module.eval()
    try:
        yield module
    finally:
        for submodule, training in modes:
            submodule.training = training
