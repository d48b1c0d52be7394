"""The column of each node of a drawing, and the columns through which its edges pass.

Method: Sugiyama, Tagawa & Toda 1981. Columns follow the longest path; an edge over several columns
crosses them in lanes, and edges with the same source and kind share their lanes.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Lane:
    """The space of edges with one source and one kind in a column that they cross."""

    source: str
    kind: Hashable
    column: int


Slot = str | Lane
"""An item of a column: a node, by its id, or a lane."""


@dataclass(frozen=True)
class Columns:
    """Slots by column, and the links between slots of adjacent columns.

    ``paths`` has one entry for each edge, in order: the slots from its source to its target.
    """

    slots: tuple[tuple[Slot, ...], ...]
    links: frozenset[tuple[Slot, Slot]]
    paths: tuple[tuple[Slot, ...], ...]


def in_columns(nodes: Sequence[str], edges: Sequence[tuple[str, str, Hashable]]) -> Columns:
    """Nodes in columns, each edge (source, target, kind) from left to right.

    An edge that closes a cycle points backward and does not affect the columns.
    """
    forward = _without_cycles(nodes, [(source, target) for source, target, _ in edges])
    column_of = _tightened(_longest_paths(nodes, forward), forward)
    paths = tuple(_path(column_of, *edge) for edge in edges)
    columns: list[dict[Slot, None]] = [{} for _ in range(1 + max(column_of.values(), default=0))]
    for node in nodes:
        columns[column_of[node]][node] = None
    for lane in (slot for path in paths for slot in path if isinstance(slot, Lane)):
        columns[lane.column][lane] = None
    links = frozenset(pair for path in paths for pair in pairwise(path))
    return Columns(tuple(map(tuple, columns)), links, paths)


def _without_cycles(
    nodes: Iterable[str], edges: Iterable[tuple[str, str]]
) -> Mapping[str, Sequence[str]]:
    """The targets of each node, without the edges that close a cycle."""
    targets: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        targets[source].append(target)
    forward: dict[str, list[str]] = {node: [] for node in nodes}
    done: set[str] = set()
    for start in forward:
        path = {} if start in done else {start: iter(targets[start])}
        while path:
            node, ahead = next(reversed(path.items()))
            target = next(ahead, "")
            if not target:
                done.add(node)
                del path[node]
            elif target not in path:
                forward[node].append(target)
                if target not in done:
                    path[target] = iter(targets[target])
    return forward


def _longest_paths(nodes: Sequence[str], targets: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The number of edges of the longest path to each node."""
    missing = dict.fromkeys(nodes, 0)
    for node_targets in targets.values():
        for target in node_targets:
            missing[target] += 1
    column_of = dict.fromkeys(nodes, 0)
    free = [node for node in nodes if missing[node] == 0]
    for node in free:
        for target in targets[node]:
            column_of[target] = max(column_of[target], column_of[node] + 1)
            missing[target] -= 1
            if missing[target] == 0:
                free.append(target)
    return column_of


def _tightened(column_of: dict[str, int], targets: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The same columns, with each source node directly before its first target."""
    reached = {target for node_targets in targets.values() for target in node_targets}
    for node, node_targets in targets.items():
        if node not in reached and node_targets:
            column_of[node] = min(column_of[target] for target in node_targets) - 1
    return column_of


def _path(
    column_of: Mapping[str, int], source: str, target: str, kind: Hashable
) -> tuple[Slot, ...]:
    step = 1 if column_of[target] >= column_of[source] else -1
    between = range(column_of[source] + step, column_of[target], step)
    return (source, *(Lane(source, kind, column) for column in between), target)
