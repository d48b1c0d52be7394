"""In which order and at which height the slots of each column stand.

Order: sweeps over the columns, each slot to the mean place of its neighbors, the order with the
fewest crossings wins (Sugiyama et al. 1981; crossings counted as Barth, Jünger & Mutzel 2004).
Height: each slot as near as possible to its neighbors in least squares, in that order and without
overlap, which is isotonic regression (pool adjacent violators).
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise

from service.core.lineage.columns import Columns, Lane, Slot

# So many sweeps, or fewer where the drawing is so large that they would take seconds.
_ORDER_SWEEPS, _FEWEST_ORDER_SWEEPS = 16, 2
_HEIGHT_SWEEPS, _FEWEST_HEIGHT_SWEEPS = 24, 6
_LINKS_AT_LEISURE = 1_000
# A bent lane is uglier than a node beside the middle of its neighbors.
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
        found = _crossings(order, after)
        if found < fewest:
            best, fewest = [list(column) for column in order], found
    return best


def heights(
    order: Order, columns: Columns, sizes: Mapping[Slot, float], gap: float
) -> dict[Slot, float]:
    """The middle of every slot; slots of a column are at least ``gap`` apart, the topmost at 0."""
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
    """The neighbors of each slot in the column before, and in the column after."""
    number = {slot: place for place, column in enumerate(columns.slots) for slot in column}
    before: dict[Slot, list[Slot]] = defaultdict(list)
    after: dict[Slot, list[Slot]] = defaultdict(list)
    for pair in sorted(columns.links, key=str):
        left, right = sorted(pair, key=lambda slot: number[slot])
        if number[left] != number[right]:
            after[left].append(right)
            before[right].append(left)
    return before, after


def _index(column: Sequence[Slot]) -> dict[Slot, int]:
    return {slot: place for place, slot in enumerate(column)}


def _drawn_to(column: list[Slot], near: NeighborVotes, other: Mapping[Slot, int]) -> list[Slot]:
    """The column, each slot at the mean place of its neighbors; who has none stays in place."""
    keys = {
        slot: sum(other[one] for one in near[slot]) / len(near[slot]) if near[slot] else place
        for place, slot in enumerate(column)
    }
    return sorted(column, key=lambda slot: keys[slot])


def _crossings(order: Order, after: NeighborVotes) -> int:
    """How many pairs of links cross."""
    found = 0
    for left, right in pairwise(order):
        place, ends = _index(right), list[int]()
        for slot in left:
            own = sorted(place[one] for one in after[slot])
            found += sum(len(ends) - bisect_right(ends, end) for end in own)
            for end in own:
                insort(ends, end)
    return found


def _stacked(column: Sequence[Slot], sizes: Mapping[Slot, float], gap: float) -> list[float]:
    """The middles when nothing is left free between the slots, around 0."""
    steps = [(sizes[one] + sizes[two]) / 2 + gap for one, two in pairwise(column)]
    middles = list(accumulate(steps, initial=0.0))
    return [middle - middles[-1] / 2 for middle in middles]


def _mean_height(
    slot: Slot, sides: Iterable[NeighborVotes], middle: Mapping[Slot, float]
) -> float:
    near = [(_weight(slot, one), middle[one]) for side in sides for one in side[slot]]
    total = sum(weight for weight, _ in near)
    return sum(weight * height for weight, height in near) / total if near else middle[slot]


def _weight(one: Slot, other: Slot) -> float:
    return _LANE_WEIGHT if isinstance(one, Lane) and isinstance(other, Lane) else 1.0


def _settled(
    column: Sequence[Slot], wanted: Sequence[float], sizes: Mapping[Slot, float], gap: float
) -> list[float]:
    """Heights nearest to the wanted ones that keep order and distance."""
    free = _stacked(column, sizes, gap)
    pools: list[tuple[float, float, int]] = []
    for slot, options, offset in zip(column, wanted, free, strict=True):
        mean, weight, count = options - offset, _LANE_WEIGHT if isinstance(slot, Lane) else 1.0, 1
        while pools and pools[-1][0] > mean:
            earlier, heavier, more = pools.pop()
            mean = (mean * weight + earlier * heavier) / (weight + heavier)
            weight, count = weight + heavier, count + more
        pools.append((mean, weight, count))
    shifts = [mean for mean, _, count in pools for _ in range(count)]
    return [shift + offset for shift, offset in zip(shifts, free, strict=True)]
