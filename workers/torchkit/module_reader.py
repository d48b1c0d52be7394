"""An eager module behind the reader protocol: for networks built here, not uploaded."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

import torch
from torch import Tensor, nn

from workers.torchkit.features import OUTPUT, Slope
from workers.torchkit.slopes import SlopeMode, epsilon_lrp


class _EverythingSeen(Exception):  # noqa: N818 - not an error: it ends a forward pass early
    """All wanted layers have been captured."""


class _Captured:
    """Outputs of named modules, collected by forward hooks."""

    def __init__(self, wanted: Sequence[str]) -> None:
        self.wanted = frozenset(wanted)
        self.outputs: dict[str, Tensor] = {}

    def hook(self, name: str) -> Callable[[nn.Module, Any, Any], Any]:
        """A hook that keeps ``name``'s first output and ends the pass after the last one."""

        def keep(_module: nn.Module, _inputs: Any, output: Any) -> Any:
            if not isinstance(output, Tensor):
                return output
            self.outputs.setdefault(name, output)
            if self.wanted <= self.outputs.keys():
                raise _EverythingSeen
            # Whatever follows may work in place; the captured tensor must stay as it was.
            return output.clone()

        return keep


class LayerOf:
    """Name, class and output shape of one submodule."""

    def __init__(self, name: str, kind: str, shape: tuple[int, ...]) -> None:
        self.name = name
        self.kind = kind
        self.shape = shape


class ModuleReader:
    """An eager module as a FeatureReader: for networks that were built here, not uploaded.

    The module is put into evaluation mode only while it is read. ``feature_layer`` is the name
    of a submodule whose output is one tensor.
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
        with evaluating(self.module), hooked, slopes, suppress(_EverythingSeen):
            self.module(images)
        return {name: captured.outputs[name] for name in layers}

    def _list_layers(self) -> tuple[LayerOf, ...]:
        modules = {name: one for name, one in self.module.named_modules() if name}
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
    """Forward hooks on the wanted submodules; removed on leaving."""
    known = {**dict(module.named_modules()), OUTPUT: module}
    handles = [
        known[name].register_forward_hook(captured.hook(name))
        for name in captured.wanted
        if name in known
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def evaluating(module: nn.Module) -> Iterator[nn.Module]:
    """The module in evaluation mode; every submodule gets its own mode back."""
    modes = [(one, one.training) for one in module.modules()]
    module.eval()
    try:
        yield module
    finally:
        for one, training in modes:
            one.training = training
