"""Conversion of in-place calls to pure ones where no alias can observe the write."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from workers.programs import limits
from workers.programs.instructions import Instruction, Slot, slots_in
from workers.programs.refusal import ProgramRefusedError

_NEVER = -1


def without_writes(
    instructions: Sequence[Instruction], outputs: tuple[int, ...], *, fixed: frozenset[int]
) -> tuple[Instruction, ...]:
    """The calls, with in-place calls made pure and later readers redirected to the new value.

    A call keeps writing (``writes_back``) if another value that shares its memory is read later.

    Args:
        instructions: Calls in order, with the slots of the export.
        outputs: Slots that are read after the last instruction.
        fixed: Slots of weights.

    Raises:
        ProgramRefusedError: ``mutates_weights``.
    """
    roots = _memory_roots(instructions)
    families = _Families(roots, *_lifetimes(instructions, outputs))
    current: dict[int, int] = {}
    rewritten: list[Instruction] = []
    for index, instruction in enumerate(instructions):
        redirected = _redirected(instruction, current)
        if instruction.operator.in_place:
            target = _target(instruction)
            root = roots.get(target, target)
            if root in fixed:
                raise _writes_to_weight(instruction)
            others = families.aliases_live_across(index, root)
            is_visible = any(latest(slot, current) != latest(target, current) for slot in others)
            redirected = replace(redirected, writes_back=is_visible)
            current[latest(target, current)] = instruction.outputs[0]
        rewritten.append(redirected)
    return tuple(replace(instruction, reads=tuple(slots_in([*instruction.positional, *(v for _, v in instruction.named)]))) for instruction in rewritten)  # fmt: skip


def latest(slot: int, current: dict[int, int]) -> int:
    """The slot that now holds the value of ``slot``; compresses the path it follows."""
    end = slot
    while end in current:
        end = current[end]
    while slot != end:
        current[slot], slot = end, current[slot]
    return end


class _Families:
    """Slots that may share memory, grouped by the slot that owns it."""

    def __init__(
        self, roots: dict[int, int], made: dict[int, int], last_read: dict[int, int]
    ) -> None:
        self._made, self._last_read = made, last_read
        self._members: dict[int, list[int]] = {root: [root] for root in roots.values()}
        for slot, root in roots.items():
            self._members[root].append(slot)
        self._steps = 0

    def aliases_live_across(self, index: int, root: int) -> list[int]:
        """Slots of the family that are created before ``index`` and read after it.

        Raises:
            ProgramRefusedError: ``graph_too_large``, if comparisons exceed the limit.
        """
        members = self._members.get(root, [])
        self._steps += len(members)
        if self._steps > limits.ALIAS_STEPS:
            raise ProgramRefusedError("graph_too_large", "too many calls overwrite one tensor")
        return [
            slot
            for slot in members
            if self._made.get(slot, _NEVER) < index < self._last_read.get(slot, _NEVER)
        ]


def latest_of(instructions: Sequence[Instruction], slots: tuple[int, ...]) -> tuple[int, ...]:
    """The slots that finally hold the outputs after all in-place calls."""
    current: dict[int, int] = {}
    for instruction in instructions:
        if instruction.operator.in_place:
            current[latest(_target(instruction), current)] = instruction.outputs[0]
    return tuple(latest(slot, current) for slot in slots)


def _target(instruction: Instruction) -> int:
    """The slot that an in-place call overwrites."""
    if not instruction.positional or not isinstance(instruction.positional[0], Slot):
        raise ProgramRefusedError("broken_graph", f"{instruction.name[:80]} writes to nothing")
    return instruction.positional[0].number


def _writes_to_weight(instruction: Instruction) -> ProgramRefusedError:
    return ProgramRefusedError(
        "mutates_weights",
        f"{instruction.name[:80]} writes to a weight",
        "call .eval() before exporting, and keep no state in buffers",
    )


def _memory_roots(instructions: Sequence[Instruction]) -> dict[int, int]:
    """For each slot that may share memory, the slot that owns it."""
    roots: dict[int, int] = {}
    for instruction in instructions:
        shares = instruction.operator.views or instruction.operator.in_place
        if shares and instruction.reads:
            source = instruction.reads[0]
            roots.update((output, roots.get(source, source)) for output in instruction.outputs)
    return roots


def _lifetimes(
    instructions: Sequence[Instruction], outputs: tuple[int, ...]
) -> tuple[dict[int, int], dict[int, int]]:
    """Index at which each slot is created, and at which it is last read."""
    made: dict[int, int] = {}
    last_read: dict[int, int] = {}
    for index, instruction in enumerate(instructions):
        made.update((slot, index) for slot in instruction.outputs)
        last_read.update((slot, index) for slot in instruction.reads)
    last_read.update((slot, len(instructions)) for slot in outputs)
    return made, last_read


def _redirected(instruction: Instruction, current: dict[int, int]) -> Instruction:
    """The instruction, reading the latest values."""

    def with_latest(value: Any) -> Any:
        if isinstance(value, Slot):
            return Slot(latest(value.number, current))
        return [with_latest(item) for item in value] if isinstance(value, list) else value

    if not current:
        return instruction
    return replace(
        instruction,
        positional=tuple(with_latest(value) for value in instruction.positional),
        named=tuple((name, with_latest(value)) for name, value in instruction.named),
    )
