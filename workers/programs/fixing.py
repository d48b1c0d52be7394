"""The instructions of a network whose weights are constants: folded, and with cheaper gradients.

Batch normalizations and paddings with zeros become part of the convolution before or after them;
a value that somebody asked for stays.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from workers.programs import fixed_calls
from workers.programs.fixed_calls import Geometry
from workers.programs.instructions import Instruction, Listing, Slot
from workers.programs.operators import Operator
from workers.programs.plans import plan_for

_CONVOLUTION = Operator("conv2d", fixed_calls.convolution)
_SCALED = Operator("scaled", fixed_calls.scaled)
_PRELU = Operator("prelu", fixed_calls.prelu, nonlinear=True)
_CLAMP = Operator("clamp", fixed_calls.clamp, nonlinear=True)
# Position of ε among the arguments of a normalization.
_EPSILON = {"batch_norm": 7, "_native_batch_norm_legit_no_training": 6}
_RESHAPE = Operator("reshape", torch.ops.aten.reshape.default, views=True)
_SPATIAL = 4


@dataclass(frozen=True)
class FixedListing:
    """Instructions, and the tensors of all their weights, new ones included."""

    listing: Listing
    weights: Mapping[int, Tensor]


def fixed(
    listing: Listing, weights: Mapping[int, Tensor], wanted: tuple[int, ...]
) -> FixedListing:
    """The calls that compute ``wanted``, with weights as constants.

    A graph that overwrites memory stays as it is.
    """
    if any(instruction.writes_back for instruction in listing.instructions):
        return FixedListing(listing, weights)
    needed = [listing.instructions[index] for index, _ in plan_for(listing, wanted).steps]
    rewriting = _Rewriting(needed, dict(weights), frozenset(wanted))
    for instruction in needed:
        rewriting.add(instruction)
    names = {slot: listing.weights.get(slot, f"fixed {slot}") for slot in rewriting.weights}
    instructions = tuple(rewriting.calls.values())
    new = frozenset(rewriting.weights) - frozenset(weights)
    changed = replace(
        listing, instructions=instructions, weights=names, parameters=listing.parameters | new
    )
    return FixedListing(changed, rewriting.weights)


@dataclass
class _Rewriting:
    """The calls so far, by their first output."""

    needed: list[Instruction]
    weights: dict[int, Tensor]
    wanted: frozenset[int]
    calls: dict[int, Instruction] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._readers = Counter(slot for call in self.needed for slot in call.reads)
        used = [slot for call in self.needed for slot in (*call.outputs, *call.reads)]
        self._next = max((*used, *self.weights), default=0) + 1

    def add(self, instruction: Instruction) -> None:
        """Appends the call, or merges it with an earlier one."""
        name = instruction.operator.name
        if name in {"conv2d", "convolution"}:
            self._append(self._convolution(instruction))
        elif name in _EPSILON:
            self._append_normalization(instruction)
        elif name == "prelu" and self._constant(instruction.positional[1]):
            self._append(replace(instruction, operator=_PRELU))
        elif name == "clamp" and _are_numbers(instruction.positional[1:]):
            self._append(replace(instruction, operator=_CLAMP))
        elif name in {"view", "_unsafe_view"}:
            # A view fails in another memory layout, and nothing writes into the values.
            self._append(replace(instruction, operator=_RESHAPE))
        else:
            self._append(instruction)

    def _append(self, call: Instruction) -> None:
        self.calls[call.outputs[0]] = call

    def _convolution(self, instruction: Instruction) -> Instruction:
        geometry = _geometry(instruction)
        maps, kernel, bias = (*instruction.positional, None)[:3]
        if geometry is None or not self._constant(kernel, bias):
            return instruction
        if self.weights[kernel.number].ndim != _SPATIAL:
            return instruction
        padding = self.calls.get(maps.number)
        margins = _zero_margins(padding) if padding is not None else None
        if padding is not None and margins is not None and self._is_private(maps.number):
            del self.calls[maps.number]
            maps = padding.positional[0]
            rows, columns = geometry.padding
            geometry = replace(geometry, padding=(rows + margins[0], columns + margins[1]))
        return _called(instruction, _CONVOLUTION, (maps, kernel, bias, geometry))

    def _append_normalization(self, instruction: Instruction) -> None:
        maps, *parameters = instruction.positional[:5]
        later = instruction.outputs[1:]
        if (
            not self._constant(*parameters)
            or None in parameters[2:]
            or any(self._readers[slot] or slot in self.wanted for slot in later)
        ):
            self._append(instruction)
            return
        scale, shift = _affine(
            [self.weights[p.number] if isinstance(p, Slot) else None for p in parameters],
            instruction.positional[_EPSILON[instruction.operator.name]],
        )
        before = self.calls.get(maps.number)
        if (
            before is not None
            and before.operator is _CONVOLUTION
            and self._is_private(maps.number)
        ):
            del self.calls[maps.number]
            self._append(self._folded(before, instruction, scale, shift))
            return
        kind = self.weights[parameters[-1].number].dtype
        arguments = (maps, self._weight(scale.to(kind)), self._weight(shift.to(kind)))
        self._append(_called(instruction, _SCALED, arguments))

    def _folded(
        self, convolution: Instruction, norm: Instruction, scale: Tensor, shift: Tensor
    ) -> Instruction:
        """The convolution whose result is that of the normalization after it."""
        maps, kernel, bias, geometry = convolution.positional
        weight = self.weights[kernel.number]
        folded = (weight.double() * scale.view(-1, 1, 1, 1)).to(weight.dtype)
        offset = shift if bias is None else shift + self.weights[bias.number].double() * scale
        arguments = (maps, self._weight(folded), self._weight(offset.to(weight.dtype)), geometry)
        return _called(norm, _CONVOLUTION, arguments)

    def _weight(self, tensor: Tensor) -> Slot:
        """A new slot that holds ``tensor``."""
        self.weights[self._next] = tensor
        self._next += 1
        return Slot(self._next - 1)

    def _constant(self, *values: Any) -> bool:
        """Whether all are weights or absent."""
        return all(
            value is None or (isinstance(value, Slot) and value.number in self.weights)
            for value in values
        )

    def _is_private(self, slot: int) -> bool:
        """Whether only one call reads the value."""
        return slot not in self.wanted and self._readers[slot] == 1


def _called(
    instruction: Instruction, operator: Operator, arguments: tuple[Any, ...]
) -> Instruction:
    """Another call in the place of ``instruction``, with its first output."""
    reads = tuple(value.number for value in arguments if isinstance(value, Slot))
    return replace(
        instruction, operator=operator, positional=arguments, named=(), reads=reads,
        outputs=instruction.outputs[:1], many=False,
    )  # fmt: skip


def _geometry(instruction: Instruction) -> Geometry | None:
    """The geometry of a plain convolution with fixed sizes; None of any other."""
    if instruction.named:
        return None
    values = list(instruction.positional[3:])
    if instruction.operator.name == "convolution":
        stride, padding, dilation, transposed, _, groups = values
        if transposed:
            return None
    else:
        stride, padding, dilation, groups = values + [1, 0, 1, 1][len(values) :]
    steps, margins, gaps = _pair(stride), _pair(padding), _pair(dilation)
    if steps is None or margins is None or gaps is None or not isinstance(groups, int):
        return None
    return Geometry(steps, margins, gaps, groups)


def _pair(value: Any) -> tuple[int, int] | None:
    sizes = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(size, int) for size in sizes) or len(sizes) not in {1, 2}:
        return None
    return (sizes[0], sizes[-1])


def _zero_margins(call: Instruction) -> tuple[int, int] | None:
    """Rows and columns of zeros that a call adds on both sides alike; None if it does not."""
    if call.operator.name not in {"pad", "constant_pad_nd"} or call.named:
        return None
    sizes, *rest = call.positional[1:]
    constant = all(value in {None, "constant"} or value == 0 for value in rest)
    if not constant or not isinstance(sizes, list) or not all(isinstance(n, int) for n in sizes):
        return None
    left, right, top, bottom = [*sizes, 0, 0, 0, 0][:4]
    symmetric = left == right >= 0 and top == bottom >= 0 and len(sizes) <= _SPATIAL
    return (top, left) if symmetric else None


def _affine(parameters: list[Tensor | None], epsilon: float) -> tuple[Tensor, Tensor]:
    """Scale and shift of a normalization with fixed statistics, in float64."""
    weight, bias, mean, variance = parameters
    assert mean is not None
    assert variance is not None
    scale = torch.rsqrt(variance.double() + epsilon)
    scale = scale if weight is None else scale * weight.double()
    shift = -mean.double() * scale
    return scale, shift if bias is None else shift + bias.double()


def _are_numbers(values: tuple[Any, ...]) -> bool:
    return all(value is None or isinstance(value, int | float) for value in values)
