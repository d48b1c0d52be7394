"""The order and the height of the slots of each column.

Order: sweeps over the columns move each slot to the mean index of its neighbors, and the order with
the fewest crossings wins (Sugiyama et al. 1981; crossings counted as by Barth, Jünger & Mutzel 2004).
Height: each slot is as near as possible to its neighbors in least squares, in that order and without
overlap, which is isotonic regression (pool adjacent violators).
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise

from service.core.lineage.columns import Columns, Lane, Slot

# Numbers of sweeps; fewer for drawings so large that they would take seconds.
_ORDER_SWEEPS, _FEWEST_ORDER_SWEEPS = 16, 2
_HEIGHT_SWEEPS, _FEWEST_HEIGHT_SWEEPS = 24, 6
_LINKS_AT_LEISURE = 1_000
# A bent lane is uglier than a node beside the center of its neighbors.
_LANE_WEIGHT = 8.0

Order = list[list[Slot]]
NeighborVotes = Mapping[Slot, Sequence[Slot]]


def ordered(columns: Columns) -> Order:
    """The slots of each column from top to bottom, with few crossings of links."""
    before, after = _sides(columns)
    order = [list(column) for column in columns.slots]
    best, fewest = [list(column) for column in order], _crossings(order, after)
    for sweep in range(_sweeps(columns, _ORDER_SWEEPS, _FEWEST_ORDER_SWEEPS)):
        there, back = range(1, len(order)), range(len(order) - 2, -1, -1)
        for number in there if sweep % 2 == 0 else back:
            near = before if sweep % 2 == 0 else after
            other = order[number - 1 if sweep % 2 == 0 else number + 1]
            order[number] = _drawn_to(order[number], near, _index(other))
        crossings = _crossings(order, after)
        if crossings < fewest:
            best, fewest = [list(column) for column in order], crossings
    return best


def heights(
    order: Order, columns: Columns, sizes: Mapping[Slot, float], gap: float
) -> dict[Slot, float]:
    """The center of every slot; slots of a column are at least ``gap`` apart, the topmost at 0."""
    before, after = _sides(columns)
    middle: dict[Slot, float] = {}
    for column in order:
        middle.update(zip(column, _stacked(column, sizes, gap), strict=True))
    sweeps = _sweeps(columns, _HEIGHT_SWEEPS, _FEWEST_HEIGHT_SWEEPS)
    for sweep in range(sweeps):
        last = sweep >= sweeps - 2
        for column in order if sweep % 2 == 0 else reversed(order):
            sides = (before, after) if last else ((before, after)[sweep % 2],)
            wanted = [_mean_height(slot, sides, middle) for slot in column]
            middle.update(zip(column, _settled(column, wanted, sizes, gap), strict=True))
    top = min((middle[slot] - sizes[slot] / 2 for slot in middle), default=0.0)
    return {slot: height - top for slot, height in middle.items()}


def _sweeps(columns: Columns, most: int, fewest: int) -> int:
    return max(fewest, min(most, most * _LINKS_AT_LEISURE // max(1, len(columns.links))))


def _sides(columns: Columns) -> tuple[NeighborVotes, NeighborVotes]:
    """The neighbors of each slot in the previous column, and in the next column."""
    number = {slot: index for index, column in enumerate(columns.slots) for slot in column}
    before: dict[Slot, list[Slot]] = defaultdict(list)
    after: dict[Slot, list[Slot]] = defaultdict(list)
    for pair in sorted(columns.links, key=str):
        left, right = sorted(pair, key=lambda slot: number[slot])
        if number[left] != number[right]:
            after[left].append(right)
            before[right].append(left)
    return before, after


def _index(column: Sequence[Slot]) -> dict[Slot, int]:
    return {slot: index for index, slot in enumerate(column)}


def _drawn_to(column: list[Slot], near: NeighborVotes, other: Mapping[Slot, int]) -> list[Slot]:
    """The column with each slot at the mean index of its neighbors; slots without neighbors stay."""
    keys = {
        slot: sum(other[neighbor] for neighbor in near[slot]) / len(near[slot])
        if near[slot]
        else index
        for index, slot in enumerate(column)
    }
    return sorted(column, key=lambda slot: keys[slot])


def _crossings(order: Order, after: NeighborVotes) -> int:
    """How many pairs of links cross."""
    crossings = 0
    for left, right in pairwise(order):
        index, ends = _index(right), list[int]()
        for slot in left:
            own = sorted(index[neighbor] for neighbor in after[slot])
            crossings += sum(len(ends) - bisect_right(ends, end) for end in own)
            for end in own:
                insort(ends, end)
    return crossings


def _stacked(column: Sequence[Slot], sizes: Mapping[Slot, float], gap: float) -> list[float]:
    """The centers of slots that are packed as closely as possible around 0."""
    steps = [(sizes[slot] + sizes[after]) / 2 + gap for slot, after in pairwise(column)]
    middles = list(accumulate(steps, initial=0.0))
    return [middle - middles[-1] / 2 for middle in middles]


def _mean_height(
    slot: Slot, sides: Iterable[NeighborVotes], middle: Mapping[Slot, float]
) -> float:
    near = [
        (_weight(slot, neighbor), middle[neighbor]) for side in sides for neighbor in side[slot]
    ]
    total = sum(weight for weight, _ in near)
    return sum(weight * height for weight, height in near) / total if near else middle[slot]


def _weight(slot: Slot, other: Slot) -> float:
    return _LANE_WEIGHT if isinstance(slot, Lane) and isinstance(other, Lane) else 1.0


def _settled(
    column: Sequence[Slot], wanted: Sequence[float], sizes: Mapping[Slot, float], gap: float
) -> list[float]:
    """The heights nearest to ``wanted`` that keep the order and the distance."""
    free = _stacked(column, sizes, gap)
    pools: list[tuple[float, float, int]] = []
    for slot, height, offset in zip(column, wanted, free, strict=True):
        mean, weight, count = height - offset, _LANE_WEIGHT if isinstance(slot, Lane) else 1.0, 1
        while pools and pools[-1][0] > mean:
            earlier, heavier, more = pools.pop()
            mean = (mean * weight + earlier * heavier) / (weight + heavier)
            weight, count = weight + heavier, count + more
        pools.append((mean, weight, count))
    shifts = [mean for mean, _, count in pools for _ in range(count)]
    return [shift + offset for shift, offset in zip(shifts, free, strict=True)]
