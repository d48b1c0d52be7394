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


def with_equals(
    items: Iterable[Mapping[str, Any]], equals: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The items, with ``group`` 1 for the first and its ``equals``; None for all others."""
    ids = {item["model_id"] for item in equals}
    return [{**item, "group": 1 if item["model_id"] in ids else None} for item in items]
