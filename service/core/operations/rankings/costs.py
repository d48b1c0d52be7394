"""What candidates cost, and which of them nothing better is cheaper than."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.tables import ModelRecord

COSTS = ("parameters", "flops", "size_bytes", "latency_ms")


def added(
    session: Session, *, project: str, pairs: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The pairs with parameters, operations and time per image, and size of every network."""
    query = select(
        ModelRecord.id,
        ModelRecord.parameters,
        ModelRecord.flops,
        ModelRecord.upload_bytes,
        ModelRecord.latency_ms,
    ).where(
        ModelRecord.project == project, ModelRecord.id.in_([pair["model_id"] for pair in pairs])
    )
    by_model = {row[0]: dict(zip(COSTS, row[1:], strict=True)) for row in session.execute(query)}
    unknown = dict.fromkeys(COSTS)
    return [{**pair, **by_model.get(pair["model_id"], unknown)} for pair in pairs]


def marked(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The items, best first, each with whether it is cheaper than all that rank above it.

    These are the Pareto-optimal ones: whatever else is chosen, one of them is better and no dearer.
    """
    name = measure_of(items)
    rows: list[dict[str, Any]] = []
    cheapest = math.inf
    for item in items:
        cost = math.inf if name is None else item[name]
        rows.append({**dict.fromkeys(COSTS), **item, "pareto": cost < cheapest or not rows})
        cheapest = min(cheapest, cost)
    return rows


def measure_of(items: Sequence[Mapping[str, Any]]) -> str | None:
    """The cost that is known of every item: operations, else parameters, else size."""
    for name in ("flops", "parameters", "size_bytes"):
        if all(item.get(name) for item in items):
            return name
    return None
