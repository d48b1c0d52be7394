"""The instructions of a program: calls of allowed operators on numbered slots."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from workers.programs.operators import Operator

_BATCH_NORMS = frozenset({"batch_norm", "_native_batch_norm_legit_no_training"})


@dataclass(frozen=True)
class Slot:
    """The value that an earlier instruction left at ``number``."""

    number: int


@dataclass(frozen=True)
class Instruction:
    """One call: ``positional`` and ``named`` arguments may hold slots; results go to ``outputs``.

    ``writes_back``: the first argument's memory must receive the result as well.
    ``pointwise``: a convolution whose kernel covers one pixel.
    """

    name: str
    operator: Operator
    positional: tuple[Any, ...]
    named: tuple[tuple[str, Any], ...]
    outputs: tuple[int, ...]
    many: bool
    reads: tuple[int, ...]
    modules: tuple[tuple[str, str], ...]
    writes_back: bool = False
    pointwise: bool = False

    @property
    def layers(self) -> tuple[tuple[str, str], ...]:
        """Path and kind of the enclosing modules, or the instruction's own name without any."""
        return self.modules or ((self.name, self.operator.name),)


@dataclass(frozen=True)
class Listing:
    """Instructions and the slots of image, weights (with names), parameters and outputs."""

    instructions: tuple[Instruction, ...]
    image: int
    weights: dict[int, str]
    parameters: frozenset[int]
    outputs: tuple[int, ...]

    def with_pointwise(self, weights: Mapping[int, Tensor]) -> "Listing":
        """The listing with 1 × 1 convolutions marked as pointwise."""
        marked = tuple(
            replace(instruction, pointwise=_is_pointwise(instruction, weights))
            for instruction in self.instructions
        )
        return replace(self, instructions=marked)

    def batch_norms(self) -> Iterator[tuple[int, int, int]]:
        """Slots of input, running mean and running variance of batch normalizations."""
        for instruction in self.instructions:
            if instruction.operator.name not in _BATCH_NORMS:
                continue
            slots = [instruction.positional[position] for position in (0, 3, 4)]
            if all(isinstance(slot, Slot) for slot in slots):
                yield slots[0].number, slots[1].number, slots[2].number


def _is_pointwise(instruction: Instruction, weights: Mapping[int, Tensor]) -> bool:
    if not instruction.operator.name.startswith("conv") or len(instruction.positional) < 2:  # noqa: PLR2004
        return False
    kernel = instruction.positional[1]
    return isinstance(kernel, Slot) and kernel.number in weights and set(weights[kernel.number].shape[2:]) == {1}  # fmt: skip


def slots_in(value: Any) -> Iterator[int]:
    """Numbers of the slots in an argument, lists included."""
    if isinstance(value, Slot):
        yield value.number
    elif isinstance(value, list):
        for item in value:
            yield from slots_in(item)
