"""In which column each node of a drawing stands, and through which columns its edges pass.

Method: Sugiyama, Tagawa & Toda 1981. Columns follow the longest path; an edge over several columns
passes the ones between through a lane, and edges of one source and one kind share their lanes.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Lane:
    """Room that edges of one source and one kind keep free in a column they pass."""

    source: str
    kind: Hashable
    column: int


Slot = str | Lane
"""What takes room in a column: a node, by its id, or a lane."""


@dataclass(frozen=True)
class Columns:
    """Slots column by column, and which of them are joined; links join neighbouring columns.

    ``ways`` has one entry for each edge that was given, in order: the slots from its source to
    its target.
    """

    slots: tuple[tuple[Slot, ...], ...]
    links: frozenset[tuple[Slot, Slot]]
    ways: tuple[tuple[Slot, ...], ...]


def in_columns(nodes: Sequence[str], edges: Sequence[tuple[str, str, Hashable]]) -> Columns:
    """Nodes in columns, each edge (source, target, kind) from left to right.

    An edge that closes a circle is drawn backwards and decides nothing.
    """
    forward = _without_circles(nodes, [(source, target) for source, target, _ in edges])
    place = _tightened(_longest_paths(nodes, forward), forward)
    ways = tuple(_way(place, *edge) for edge in edges)
    columns: list[dict[Slot, None]] = [{} for _ in range(1 + max(place.values(), default=0))]
    for node in nodes:
        columns[place[node]][node] = None
    for lane in (slot for way in ways for slot in way if isinstance(slot, Lane)):
        columns[lane.column][lane] = None
    links = frozenset(pair for way in ways for pair in pairwise(way))
    return Columns(tuple(map(tuple, columns)), links, ways)


def _without_circles(
    nodes: Iterable[str], edges: Iterable[tuple[str, str]]
) -> Mapping[str, Sequence[str]]:
    """The targets of each node, less the edges that lead back to a node on the way to it."""
    targets: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        targets[source].append(target)
    kept: dict[str, list[str]] = {node: [] for node in nodes}
    done: set[str] = set()
    for start in kept:
        way = {} if start in done else {start: iter(targets[start])}
        while way:
            node, ahead = next(reversed(way.items()))
            target = next(ahead, "")
            if not target:
                done.add(node)
                del way[node]
            elif target not in way:
                kept[node].append(target)
                if target not in done:
                    way[target] = iter(targets[target])
    return kept


def _longest_paths(nodes: Sequence[str], targets: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How many edges the longest way to each node has."""
    missing = dict.fromkeys(nodes, 0)
    for some in targets.values():
        for target in some:
            missing[target] += 1
    place = dict.fromkeys(nodes, 0)
    free = [node for node in nodes if missing[node] == 0]
    for node in free:
        for target in targets[node]:
            place[target] = max(place[target], place[node] + 1)
            missing[target] -= 1
            if missing[target] == 0:
                free.append(target)
    return place


def _tightened(place: dict[str, int], targets: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The same, but what nothing leads to stands right before the first that needs it."""
    reached = {target for some in targets.values() for target in some}
    for node, some in targets.items():
        if node not in reached and some:
            place[node] = min(place[target] for target in some) - 1
    return place


def _way(place: Mapping[str, int], source: str, target: str, kind: Hashable) -> tuple[Slot, ...]:
    step = 1 if place[target] >= place[source] else -1
    between = range(place[source] + step, place[target], step)
    return (source, *(Lane(source, kind, column) for column in between), target)
