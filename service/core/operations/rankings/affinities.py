"""Stored similarities of graphs."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Text, and_, any_, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session

from service.core.catalog import ranking
from service.core.tables import AffinityRecord

VERSION = ranking.SPEC.version
PARTS = (
    "node_similarity",
    "edge_similarity",
    "valid_probes",
    "node_variance",
    "edge_variance",
    "covariance",
)
_ROWS_AT_ONCE = 5000


def of_graph(
    session: Session, *, graph_id: str, others: Sequence[str]
) -> dict[str, AffinityRecord]:
    """Stored similarities of one graph to ``others``, by the id of the other."""
    first, second = AffinityRecord.first, AffinityRecord.second
    # One parameter for any number of ids; an index serves each half.
    wanted = any_(literal(list(others), ARRAY(Text)))
    query = select(AffinityRecord).where(
        AffinityRecord.version == VERSION,
        or_(
            and_(first == graph_id, second == wanted),
            and_(second == graph_id, first == wanted),
        ),
    )
    return {
        row.second if row.first == graph_id else row.first: row for row in session.scalars(query)
    }


def keep(session: Session, *, rows: Iterable[dict[str, Any]]) -> None:
    """Store similarities, each {first, second, …PARTS}, with the two ids in any order."""
    ordered = [
        {
            **{part: row.get(part) for part in PARTS},
            "first": min(row["first"], row["second"]),
            "second": max(row["first"], row["second"]),
            "version": VERSION,
        }
        for row in rows
    ]
    for start in range(0, len(ordered), _ROWS_AT_ONCE):
        statement = insert(AffinityRecord).values(ordered[start : start + _ROWS_AT_ONCE])
        session.execute(statement.on_conflict_do_nothing())


def parts_of(record: AffinityRecord) -> dict[str, Any]:
    """The parts of a similarity as plain values."""
    return {part: getattr(record, part) for part in PARTS}
