"""Fusion of nonlinearities that an export splits into several calls.

Only softsign needs it: z / (1 + |z|) has no operator, yet only as one function it has the secant
slope that ε-LRP requires.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch.nn import functional

from workers.programs.instructions import Instruction, Slot
from workers.programs.operators import Operator

_SOFTSIGN = Operator("softsign", functional.softsign, nonlinear=True)


def with_softsign(instructions: Sequence[Instruction]) -> tuple[Instruction, ...]:
    """The calls, with each z / (1 + |z|) as one call on z; its parts remain but are unused."""
    makers = {slot: instruction for instruction in instructions for slot in instruction.outputs}
    return tuple(_fused(instruction, makers) for instruction in instructions)


def _fused(instruction: Instruction, makers: Mapping[int, Instruction]) -> Instruction:
    if instruction.operator.name != "div" or len(instruction.positional) != 2:  # noqa: PLR2004
        return instruction
    z, divisor = instruction.positional
    if not isinstance(z, Slot) or not isinstance(divisor, Slot):
        return instruction
    if not _is_one_plus_absolute(z, makers.get(divisor.number), makers):
        return instruction
    return replace(instruction, operator=_SOFTSIGN, positional=(z,), named=(), reads=(z.number,))


def _is_one_plus_absolute(
    z: Slot, added: Instruction | None, makers: Mapping[int, Instruction]
) -> bool:
    """Whether ``added`` is 1 + |z|."""
    if added is None or added.operator.name != "add" or added.named:
        return False
    slots = [value for value in added.positional if isinstance(value, Slot)]
    added_ones = [
        value for value in added.positional if value == 1 and not isinstance(value, bool)
    ]
    if len(slots) != 1 or len(added_ones) != 1 or len(added.positional) != 2:  # noqa: PLR2004
        return False
    absolute = makers.get(slots[0].number)
    return absolute is not None and absolute.operator.name == "abs" and absolute.positional == (z,)
