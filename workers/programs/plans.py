"""The instructions that a request needs, and the points at which values can be freed."""

from dataclasses import dataclass

from workers.programs.instructions import Listing


@dataclass(frozen=True)
class ExecutionPlan:
    """``steps`` are (index of the instruction, slots to free after it), in order."""

    steps: tuple[tuple[int, tuple[int, ...]], ...]
    wanted: frozenset[int]
    writes: bool


def plan_for(listing: Listing, slots: tuple[int, ...]) -> ExecutionPlan:
    """The shortest plan that computes ``slots``."""
    wanted = frozenset(slots)
    indices = _needed(listing, wanted)
    last_use: dict[int, int] = {}
    for index in indices:
        instruction = listing.instructions[index]
        for slot in (*instruction.outputs, *instruction.reads):
            last_use[slot] = index
    keep = {*listing.weights, *wanted}
    freed: dict[int, list[int]] = {}
    for slot, index in last_use.items():
        if slot not in keep:
            freed.setdefault(index, []).append(slot)
    steps = tuple((index, tuple(freed.get(index, ()))) for index in indices)
    writes = any(instruction.writes_back for instruction in listing.instructions)
    return ExecutionPlan(steps, wanted, writes)


def _needed(listing: Listing, wanted: frozenset[int]) -> list[int]:
    """Indices of the instructions on which the requested slots depend.

    If the graph overwrites memory, everything up to the last requested value runs.
    """
    instructions = listing.instructions
    if any(instruction.writes_back for instruction in instructions):
        makers = [
            index
            for index, instruction in enumerate(instructions)
            if wanted & set(instruction.outputs)
        ]
        return list(range(max(makers, default=-1) + 1))
    missing = set(wanted)
    indices: list[int] = []
    for index in range(len(instructions) - 1, -1, -1):
        if missing & set(instructions[index].outputs):
            missing.update(instructions[index].reads)
            indices.append(index)
    return indices[::-1]
