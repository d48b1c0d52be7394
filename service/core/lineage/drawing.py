"""Layout of a lineage as boxes and lines, in pixels."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from service.core.lineage.columns import Columns, Lane, Slot, in_columns
from service.core.lineage.graph import Edge, Kind, LineageGraph, Node, Role
from service.core.lineage.labels import lines, title, width
from service.core.lineage.positions import Order, heights, ordered

TITLE_SIZE, LINE_SIZE = 13.5, 11.0
BOLD = 1.13
DOT = 14.0
PADDING = 14.0
MARGIN, HEAD, FOOT = 28.0, 76.0, 56.0
_SMALLEST_WIDTH, _LARGEST_WIDTH, _SMALLEST_PICTURE = 150.0, 310.0, 560.0
_TITLE_ROW, _LINE_ROW, _BOX_MARGIN = 18.0, 16.0, 10.0
_GAP, _CHANNEL = 16.0, 72.0
_LANE_SIZE = 8.0
_PORT_STEP, _PORT_MARGIN = 11.0, 20.0


@dataclass(frozen=True)
class NodeBox:
    """A node with its upper left corner and its size."""

    node: Node
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """A piece of an edge: a straight line from ``start`` to ``bend``, then a curve to ``end``.

    ``arrives`` is whether it ends at a box; edges that share a lane share their pieces in it.
    """

    role: Role
    start: tuple[float, float]
    bend: float
    end: tuple[float, float]
    arrives: bool


@dataclass(frozen=True)
class LineageDrawing:
    """A complete picture, with space for margins, a heading and a legend."""

    boxes: tuple[NodeBox, ...]
    lines: tuple[Line, ...]
    width: float
    height: float


@dataclass(frozen=True)
class _Spot:
    """The position of a slot: its left and right edge and the height of its center."""

    left: float
    right: float
    middle: float


def drawn(lineage: LineageGraph) -> LineageDrawing:
    """Boxes without overlap in columns from teachers to students, and the lines between them."""
    nodes = {node.id: node for node in lineage.nodes}
    links = [(edge.source, edge.target, edge.role) for edge in lineage.edges]
    columns = in_columns(list(nodes), links)
    order = ordered(columns)
    sizes = {slot: _height(nodes, slot) for column in order for slot in column}
    spots = _spots(order, heights(order, columns, sizes, _GAP), nodes)
    boxes = tuple(_box(node, spots[node.id], sizes[node.id]) for node in lineage.nodes)
    right = max((spot.right for spot in spots.values()), default=0.0)
    low = max((spot.middle + sizes[slot] / 2 for slot, spot in spots.items()), default=HEAD)
    return LineageDrawing(
        boxes,
        tuple(_lines(lineage.edges, columns, spots, sizes)),
        max(right + MARGIN, _SMALLEST_PICTURE),
        low + FOOT,
    )


def _height(nodes: Mapping[str, Node], slot: Slot) -> float:
    if isinstance(slot, Lane):
        return _LANE_SIZE
    return 2 * _BOX_MARGIN + _TITLE_ROW + _LINE_ROW * len(lines(nodes[slot]))


def _spots(
    order: Order, middles: Mapping[Slot, float], nodes: Mapping[str, Node]
) -> dict[Slot, _Spot]:
    """All columns side by side; every slot is as wide as the widest node of its column."""
    spots: dict[Slot, _Spot] = {}
    left = MARGIN
    for column in order:
        widths = [_width(nodes[slot]) for slot in column if isinstance(slot, str)]
        right = left + max(widths, default=0.0)
        spots |= {slot: _Spot(left, right, HEAD + middles[slot]) for slot in column}
        left = right + _CHANNEL
    return spots


def _width(node: Node) -> float:
    head = width(title(node), BOLD * TITLE_SIZE) + (DOT if node.kind is Kind.JOB else 0.0)
    words = max(head, *(width(line, LINE_SIZE) for line in lines(node)))
    return min(max(_SMALLEST_WIDTH, words + 2 * PADDING + 1), _LARGEST_WIDTH)


def _box(node: Node, spot: _Spot, height: float) -> NodeBox:
    return NodeBox(node, spot.left, spot.middle - height / 2, spot.right - spot.left, height)


def _lines(
    edges: Sequence[Edge],
    columns: Columns,
    spots: Mapping[Slot, _Spot],
    sizes: Mapping[Slot, float],
) -> list[Line]:
    """The pieces of all edges; shared pieces occur once."""
    ports = _ports(columns, spots, sizes)
    pieces: dict[tuple[Slot, Slot, Role], Line] = {}
    for number, (edge, path) in enumerate(zip(edges, columns.paths, strict=True)):
        for slot, after in pairwise(path):
            arrives = after == path[-1]
            height = ports[number] if arrives else spots[after].middle
            begins = spots[slot].left if isinstance(slot, Lane) else spots[slot].right
            pieces[slot, after, edge.role] = Line(
                edge.role,
                (begins, spots[slot].middle),
                spots[slot].right,
                (spots[after].left, height),
                arrives,
            )
    return list(pieces.values())


def _ports(
    columns: Columns, spots: Mapping[Slot, _Spot], sizes: Mapping[Slot, float]
) -> dict[int, float]:
    """The height at which each edge arrives, in the order of their sources."""
    arriving: dict[Slot, list[int]] = defaultdict(list)
    for number, path in enumerate(columns.paths):
        arriving[path[-1]].append(number)
    heights_: dict[int, float] = {}
    for target, numbers in arriving.items():
        numbers.sort(key=lambda number: spots[columns.paths[number][-2]].middle)
        space = max(0.0, sizes[target] - _PORT_MARGIN)
        step = min(_PORT_STEP, space / max(1, len(numbers) - 1))
        for index, number in enumerate(numbers):
            heights_[number] = spots[target].middle + step * (index - (len(numbers) - 1) / 2)
    return heights_
