"""Which instructions a request needs, and after which of them a value can be dropped."""

from dataclasses import dataclass

from workers.programs.instructions import Listing


@dataclass(frozen=True)
class Plan:
    """``steps`` are (place of the instruction, slots to free after it), in order."""

    steps: tuple[tuple[int, tuple[int, ...]], ...]
    wanted: frozenset[int]
    writes: bool


def plan_for(listing: Listing, slots: tuple[int, ...]) -> Plan:
    """The shortest list of steps that makes ``slots``; it ends with the last one needed."""
    wanted = frozenset(slots)
    places = _needed(listing, wanted)
    last_use: dict[int, int] = {}
    for place in places:
        instruction = listing.instructions[place]
        for slot in (*instruction.outputs, *instruction.reads):
            last_use[slot] = place
    keep = {*listing.weights, *wanted}
    freed: dict[int, list[int]] = {}
    for slot, place in last_use.items():
        if slot not in keep:
            freed.setdefault(place, []).append(slot)
    steps = tuple((place, tuple(freed.get(place, ()))) for place in places)
    writes = any(instruction.writes_back for instruction in listing.instructions)
    return Plan(steps, wanted, writes)


def _needed(listing: Listing, wanted: frozenset[int]) -> list[int]:
    """Places of the instructions that the wanted slots depend on.

    Where the graph really overwrites memory everything up to the last wanted value runs.
    """
    instructions = listing.instructions
    if any(instruction.writes_back for instruction in instructions):
        makers = [p for p, i in enumerate(instructions) if wanted & set(i.outputs)]
        return list(range(max(makers, default=-1) + 1))
    missing = set(wanted)
    places: list[int] = []
    for place in range(len(instructions) - 1, -1, -1):
        if missing & set(instructions[place].outputs):
            missing.update(instructions[place].reads)
            places.append(place)
    return places[::-1]
