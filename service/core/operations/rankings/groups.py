"""Groups of items that cannot be told apart."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def with_groups(items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The items, best first, each with the number of its ``group``, from 1; None without an interval.

    A group begins with its best item and holds all that follow whose interval overlaps that item's.
    """
    grouped, number, low = [], 0, float("inf")
    for item in items:
        interval: Sequence[float] | None = item.get("interval")
        if interval is None:
            grouped.append({**item, "group": None})
            continue
        if number == 0 or interval[1] < low:
            number, low = number + 1, interval[0]
        grouped.append({**item, "group": number})
    return grouped
