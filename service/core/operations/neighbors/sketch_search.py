"""Graphs with the nearest sketches: by a full scan in a small zoo, by HNSW in a large one.

A search in an HNSW index moves between similar sketches, and unrelated families of networks are not
connected: a search can end in the wrong family. The index contains the network of the query itself,
and no other sketch is nearer to it. A search that misses it is therefore repeated along other paths,
and the sketches order all results (ADR 0013).
"""

import random
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, cast, func, literal, select, text
from sqlalchemy.orm import Session
from sqlalchemy.types import NULLTYPE

from service.core.sketches import SketchQuery, query_of
from service.core.tables import GraphRecord, ModelRecord
from service.core.tables.graph import HALF_SKETCH

# Up to this many comparable graphs a full scan is faster than the index.
LARGEST_FULL_SCAN = 2000
MOST_SEARCHES = 4
_WIDTH = 128
_DETOUR = 1.0
# For this transaction: how many candidates a search keeps, that it continues while a filter leaves
# too few, and that the planner, which underestimates the cost of reading sketches, does not sort.
_SETTINGS = text(
    "SELECT set_config('hnsw.ef_search', :width, true),"
    " set_config('hnsw.iterative_scan', 'relaxed_order', true),"
    " set_config('enable_sort', 'off', true)"
)


@dataclass(frozen=True)
class Sketched:
    """A graph that may be near, with both similarities estimated from the sketches."""

    graph_id: str
    model_id: str
    name: str
    sha256: str
    node: float
    edge: float


def nearest(
    session: Session, graph: GraphRecord, *, edge_weight: float, count: int
) -> list[Sketched]:
    """The ``count`` comparable graphs of other models with the nearest sketches, best first."""
    query = query_of(graph.sketch or [], edge_weight=edge_weight)
    if _is_small(session, graph):
        results = _first(session, graph, query, _scan_order(query.score), most=count + 1)
    else:
        results = _searched(session, graph, query, count=count + 1)
    others = [other for other in results.values() if other.model_id != graph.model_id]
    others.sort(key=lambda other: (-(other.node + edge_weight * other.edge), other.model_id))
    return others[:count]


def _is_small(session: Session, graph: GraphRecord) -> bool:
    """Whether few enough graphs are comparable for a full scan."""
    limited = _comparable(graph, literal(1)).limit(LARGEST_FULL_SCAN + 1).subquery()
    count: int = session.scalars(select(func.count()).select_from(limited)).one()
    return count <= LARGEST_FULL_SCAN


def _searched(
    session: Session, graph: GraphRecord, query: SketchQuery, *, count: int
) -> dict[str, Sketched]:
    """The results of up to four searches in the index; of a full scan if they are too few."""
    session.execute(_SETTINGS, {"width": str(_WIDTH)})
    results: dict[str, Sketched] = {}
    for attempt in range(MOST_SEARCHES):
        vector = _perturbed(query.score, attempt, seed=graph.id)
        results |= _first(session, graph, query, _index_order(vector), most=max(count, _WIDTH))
        if graph.id in results and len(results) >= count:
            return results
    if len(results) < count:
        results |= _first(session, graph, query, _scan_order(query.score), most=count)
    return results


def _perturbed(score: list[float], attempt: int, *, seed: str) -> list[float]:
    """The query itself for the first attempt, then the query with noise of the same length."""
    if attempt == 0:
        return score
    source = random.Random(f"{seed} {attempt}")
    noise = [source.gauss(0.0, 1.0) for _ in score]
    ratio = _DETOUR * (_square(score) / _square(noise)) ** 0.5
    return [value + ratio * other for value, other in zip(score, noise, strict=True)]


def _square(values: list[float]) -> float:
    return sum(value * value for value in values)


def _index_order(vector: list[float]) -> ColumnElement[Any]:
    """An order that the index on sketches serves."""
    order: ColumnElement[Any] = GraphRecord.sketch.max_inner_product(_parameter(vector))
    return order


def _scan_order(vector: list[float]) -> ColumnElement[Any]:
    """The same order, as an expression that no index serves."""
    return _index_order(vector) + 0


def _parameter(vector: list[float]) -> ColumnElement[Any]:
    """A vector as a parameter, with the digits that half precision keeps."""
    digits = ",".join([f"{value:.5g}" for value in vector])
    return cast(bindparam(None, f"[{digits}]", type_=NULLTYPE), HALF_SKETCH)


def _first(
    session: Session,
    graph: GraphRecord,
    query: SketchQuery,
    order: ColumnElement[Any],
    *,
    most: int,
) -> dict[str, Sketched]:
    """The first comparable graphs in an order, by id."""
    columns = (GraphRecord.id, GraphRecord.model_id, GraphRecord.sha256, GraphRecord.sketch)
    first = _comparable(graph, *columns).order_by(order).limit(most).subquery()
    node, edge = (
        -first.c.sketch.max_inner_product(_parameter(vector))
        for vector in (query.node, query.edge)
    )
    query_rows = select(first.c.id, first.c.model_id, ModelRecord.name, first.c.sha256, node, edge)
    rows = session.execute(query_rows.join(ModelRecord, ModelRecord.id == first.c.model_id))
    return {row[0]: Sketched(*row) for row in rows}


def _comparable(graph: GraphRecord, *columns: Any) -> Select[Any]:
    """The comparable graphs; degenerate ones have no sketch."""
    return select(*columns).where(
        GraphRecord.project == graph.project,
        GraphRecord.comparable_key == graph.comparable_key,
        GraphRecord.sketch.is_not(None),
    )
