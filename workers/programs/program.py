"""The executable form of every uploaded network.

A program is a list of allow-listed tensor calls, interpreted one by one; nothing is
compiled, generated or evaluated. Weights never require a gradient.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from workers.programs.execution import bind, execute
from workers.programs.instructions import Listing
from workers.programs.interface import BatchNorm, ProgramInterface, ProgramLayer, ProgramOutput
from workers.programs.liveness import PassKind
from workers.programs.names import execute_named
from workers.programs.nonlinearities import ProgramSlope
from workers.programs.plans import ExecutionPlan, plan_for
from workers.programs.remainders import interface_after, is_cut, listing_after

OUTPUT = "output"
_FLOATS = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})


class Program:
    """An uploaded network, ready to run.

    Args:
        listing: The instructions.
        interface: Layers and input shape.
        weights: Tensor of each weight slot.
        dtype: Element type of the floating-point weights and of all computation.
        native: Element type of the export; occurrences in the graph are replaced by ``dtype``.
    """

    def __init__(
        self,
        listing: Listing,
        interface: ProgramInterface,
        weights: Mapping[int, Tensor],
        *,
        dtype: torch.dtype,
        native: torch.dtype,
    ) -> None:
        self._listing = listing
        self._interface = interface
        self._weights = dict(weights)
        self._native = native
        self.dtype = dtype
        self.device = next((tensor.device for tensor in weights.values()), torch.device("cpu"))
        self._bound = [
            bind(instruction, self.device, (native, dtype)) for instruction in listing.instructions
        ]
        self._plans: dict[tuple[int, ...], ExecutionPlan] = {}

    @property
    def layers(self) -> tuple[ProgramLayer, ...]:
        """All layers at which the network can be cut, in the order of execution."""
        return self._interface.layers

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Channels, height and width of one image; for a partial network, its input shape."""
        return self._interface.input_shape

    @property
    def batch(self) -> int | None:
        """The fixed batch size, or None if it is free."""
        return self._interface.batch

    @property
    def feature_layer(self) -> str:
        """The default feature layer, unless the manifest names another."""
        return self._interface.feature_layer

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the first output for one image."""
        return self._interface.output_shape

    @property
    def outputs(self) -> tuple[ProgramOutput, ...]:
        """All tensors that the network returns, in order; methods read the first."""
        return self._interface.outputs

    @property
    def listing(self) -> Listing:
        """The instructions."""
        return self._listing

    @property
    def flops(self) -> int:
        """Floating-point operations for one image.

        Two per multiply-add of convolutions, matrix products and attention.
        """
        return self._interface.flops

    def seconds_per_image(self, *, flops_per_second: float, bytes_per_second: float) -> float:
        """Estimated time of one image, at least what its products and its values take."""
        made = self._interface.memory.bytes_made(1)
        return self.flops / flops_per_second + made / bytes_per_second

    def peak_bytes(self, images: int, kind: PassKind = PassKind.FORWARD) -> int:
        """Most bytes of weights and values at once in a pass over ``images``, from the graph."""
        low, high = self._interface.batch_range
        weights = sum(weight.numel() * weight.element_size() for weight in self._weights.values())
        return weights + self._interface.memory.peak(max(low, min(high, images)), kind)

    @property
    def largest_value_bytes(self) -> int:
        """Bytes of the largest value that a pass over one image makes."""
        return self._interface.memory.largest_value()

    @property
    def parameter_count(self) -> int:
        """Number of trained numbers: floating-point parameters, not buffers or constants."""
        names = self._listing.parameters
        return sum(self._weights[slot].numel() for slot in names)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over instructions and weights; equal fingerprints mean equal results."""
        digest = hashlib.sha256()
        for instruction in self._listing.instructions:
            call = (instruction.operator.name, instruction.positional, instruction.named, instruction.outputs)  # fmt: skip
            digest.update(repr(call).encode())
        for slot, tensor in sorted(self._weights.items()):
            digest.update(f"{slot} {tensor.dtype} {tuple(tensor.shape)}".encode())
            raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            digest.update(raw.numpy().data)
        return digest.hexdigest()

    def named_weights(self) -> Iterator[tuple[str, Tensor]]:
        """Parameters, buffers and constants by their names in the export."""
        for slot, name in self._listing.weights.items():
            yield name, self._weights[slot]

    def parameters(self) -> Iterator[Tensor]:
        """The trained tensors; none requires a gradient."""
        return (self._weights[slot] for slot in self._listing.parameters)

    @property
    def trained_slots(self) -> frozenset[int]:
        """Slots of the trained tensors."""
        return self._listing.parameters

    @property
    def batch_norms(self) -> tuple[BatchNorm, ...]:
        """Batch normalizations with running statistics, in the order of execution."""
        return tuple(
            BatchNorm(slot, self._weights[mean], self._weights[variance])
            for slot, mean, variance in self._listing.batch_norms()
            if mean in self._weights and variance in self._weights
        )

    @cached_property
    def cuts(self) -> tuple[ProgramLayer, ...]:
        """Layers through which all paths from image to first output lead; valid for ``after``."""
        return tuple(
            layer for layer in self.layers if is_cut(self._listing, self.slot_of(layer.name))
        )

    def after(self, layer: str) -> "Program":
        """The part of the network after a layer, with the layer's output as its input.

        Raises:
            KeyError: There is no such layer.
            NotACutError: Later layers depend on more than that layer's output.
        """
        slot = self.slot_of(layer)
        listing = listing_after(self._listing, layer, slot)
        weights = {weight_slot: self._weights[weight_slot] for weight_slot in listing.weights}
        cut = next(candidate for candidate in self.layers if candidate.name == layer)
        interface = interface_after(self._interface, cut, listing, weights, native=self._native)
        return Program(listing, interface, weights, dtype=self.dtype, native=self._native)

    def weights_of(self, layer: str) -> dict[int, Tensor]:
        """Parameters, buffers and constants on which the layer's output depends, by slot."""
        plan = plan_for(self._listing, (self.slot_of(layer),))
        read = {
            slot for index, _ in plan.steps for slot in self._listing.instructions[index].reads
        }
        return {slot: tensor for slot, tensor in self._weights.items() if slot in read}

    def to(
        self,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        memory_format: torch.memory_format = torch.preserve_format,
    ) -> "Program":
        """A copy on another device or in another floating-point type."""
        target = dtype if dtype is not None else self.dtype

        def moved(tensor: Tensor) -> Tensor:
            kind = target if tensor.dtype in _FLOATS else None
            spatial = memory_format if tensor.ndim == 4 else torch.preserve_format  # noqa: PLR2004
            return tensor.to(device=device, dtype=kind, memory_format=spatial)

        weights = {slot: moved(tensor) for slot, tensor in self._weights.items()}
        return Program(self._listing, self._interface, weights, dtype=target, native=self._native)

    def with_interface(self, *, listing: Listing | None = None, **changes: Any) -> "Program":
        """A copy with another default feature layer, other public facts or other instructions."""
        interface = replace(self._interface, **changes)
        return Program(
            self._listing if listing is None else listing,
            interface,
            self._weights,
            dtype=self.dtype,
            native=self._native,
        )

    def __call__(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The network's output; a tuple if it has several.

        Args:
            images: (n, channels, height, width), normalized as the manifest declares.

        Raises:
            ValueError: ``images`` has another shape.
            ProgramFailedError: An instruction failed.
        """
        slots = self._listing.outputs
        values = self._run(images, slots, ProgramSlope.EXACT)
        outputs = tuple(values[slot] for slot in slots)
        return outputs[0] if len(outputs) == 1 else outputs

    def read(
        self,
        images: Tensor,
        layers: Sequence[str],
        *,
        slope: ProgramSlope | str = ProgramSlope.EXACT,
    ) -> dict[str, Tensor]:
        """Outputs of the named layers from one forward pass that stops after the last of them.

        Args:
            images: (n, channels, height, width); the outputs are differentiable in it.
            layers: Names from ``layers``; "output" is the first output of the network.
            slope: ``epsilon_lrp`` back-propagates nonlinearities with f(z)/(z + ε·sgn z).

        Raises:
            KeyError: There is no such layer.
            ValueError: ``images`` has another shape.
            ProgramFailedError: An instruction failed.
        """
        slots = {name: self.slot_of(name) for name in layers}
        values = self._run(images, tuple(dict.fromkeys(slots.values())), ProgramSlope(slope))
        return {name: values[slot] for name, slot in slots.items()}

    def values(self, images: Tensor, slots: tuple[int, ...]) -> dict[int, Tensor]:
        """Values of ``slots`` from one forward pass, differentiable in the images.

        Raises:
            ValueError: ``images`` has another shape.
            ProgramFailedError: An instruction failed.
        """
        return self._run(images, slots, ProgramSlope.EXACT)

    def slot_of(self, layer: str) -> int:
        """The slot of the layer's output. Raises KeyError if there is no such layer."""
        if layer == OUTPUT:
            return self._listing.outputs[0]
        if layer not in self._interface.slots:
            raise KeyError(f"the network has no layer {layer!r}; `layers` lists them")
        return self._interface.slots[layer]

    def _run(
        self, images: Tensor, slots: tuple[int, ...], slope: ProgramSlope
    ) -> dict[int, Tensor]:
        """Values of ``slots`` for any number of images, padded and split as needed."""
        if tuple(images.shape[1:]) != self.input_shape:
            raise ValueError(f"images must be (n, {', '.join(map(str, self.input_shape))})")
        low, high = self._interface.batch_range
        step = max(1, min(high, len(images)))
        parts = [
            self._pass(images[start : start + step], slots, slope, least=low)
            for start in range(0, max(1, len(images)), step)
        ]
        if len(parts) == 1:
            return parts[0]
        return {slot: torch.cat([part[slot] for part in parts]) for slot in slots}

    def _pass(
        self, images: Tensor, slots: tuple[int, ...], slope: ProgramSlope, *, least: int
    ) -> dict[int, Tensor]:
        """One forward pass, padded with zero images whose outputs are dropped."""
        count = len(images)
        if count < least:
            images = torch.cat([images, images.new_zeros(least - count, *self.input_shape)])
        values = self.interpret(images, slots, slope)
        if count < least:
            return {slot: value[:count] for slot, value in values.items()}
        return values

    def interpret(
        self,
        images: Tensor,
        slots: tuple[int, ...],
        slope: ProgramSlope = ProgramSlope.EXACT,
        *,
        weights: Mapping[int, Tensor] | None = None,
    ) -> dict[int, Any]:
        """Values of ``slots``; every other value is freed after its last use.

        Args:
            weights: Tensors that replace the program's own, by slot.

        Raises:
            ProgramFailedError: An instruction failed.
        """
        plan = self._plans.get(slots)
        if plan is None:
            plan = self._plans.setdefault(slots, plan_for(self._listing, slots))
        memory: dict[int, Any] = {**self._weights, **(weights or {})}
        inputs = images.to(device=self.device, dtype=self.dtype)
        memory[self._listing.image] = inputs.clone() if plan.writes else inputs
        values: dict[int, Any] = {}
        run = execute_named if torch.compiler.is_exporting() else execute
        for index, freed in plan.steps:
            call = self._bound[index]
            run(call, memory, slope)
            for slot in call.outputs:
                if slot in plan.wanted:
                    values[slot] = memory[slot].clone() if plan.writes else memory[slot]
            for slot in freed:
                del memory[slot]
        return values | {slot: memory[slot] for slot in slots if slot not in values}
