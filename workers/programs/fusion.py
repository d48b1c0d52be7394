"""Nonlinearities that an export writes as several calls are found and named again.

Only softsign is: z / (1 + |z|) has no operator of its own, yet as one function it has the secant
slope that ε-LRP asks for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch.nn import functional

from workers.programs.instructions import Instruction, Slot
from workers.programs.operators import Operator

_SOFTSIGN = Operator("softsign", functional.softsign, nonlinear=True)


def with_softsign(instructions: Sequence[Instruction]) -> tuple[Instruction, ...]:
    """The same calls with each z / (1 + |z|) as one call on z; the parts stay and go unused."""
    makers = {slot: one for one in instructions for slot in one.outputs}
    return tuple(_fused(one, makers) for one in instructions)


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
    ones = [value for value in added.positional if value == 1 and not isinstance(value, bool)]
    if len(slots) != 1 or len(ones) != 1 or len(added.positional) != 2:  # noqa: PLR2004
        return False
    absolute = makers.get(slots[0].number)
    return absolute is not None and absolute.operator.name == "abs" and absolute.positional == (z,)
