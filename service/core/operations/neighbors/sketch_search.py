"""The graphs whose sketches are nearest to one graph's: all compared in a small zoo, HNSW in a large.

A walk through an HNSW index goes from likeness to likeness, and unrelated families of networks have
none that leads from one to another: a walk may end among strangers. The network that is asked for
lies in the index itself, and no other is nearer to it. A walk that does not meet it is therefore
repeated along other paths, and all that was met is ordered by the sketches (ADR 0013).
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

# Up to so many comparable graphs are compared one by one; the index starts to pay there.
LARGEST_FULL_LOOK = 2000
MOST_WALKS = 4
_WIDTH = 128
_DETOUR = 1.0
# For this transaction: how many candidates a walk keeps, that it goes on while a filter leaves too
# few, and that the planner, who takes sketches kept beside the table for cheap, shall not sort them.
_STEERED = text(
    "SELECT set_config('hnsw.ef_search', :width, true),"
    " set_config('hnsw.iterative_scan', 'relaxed_order', true),"
    " set_config('enable_sort', 'off', true)"
)


@dataclass(frozen=True)
class Sketched:
    """A graph that may be near, with what the sketches say of both similarities."""

    graph_id: str
    model_id: str
    name: str
    sha256: str
    node: float
    edge: float


def nearest(
    session: Session, graph: GraphRecord, *, edge_weight: float, count: int
) -> list[Sketched]:
    """The ``count`` comparable graphs of other models that the sketches call nearest, best first."""
    query = query_of(graph.sketch or [], edge_weight=edge_weight)
    if _is_small(session, graph):
        met = _looked(session, graph, query, _fully(query.score), most=count + 1)
    else:
        met = _walked(session, graph, query, count=count + 1)
    others = [one for one in met.values() if one.model_id != graph.model_id]
    others.sort(key=lambda one: (-(one.node + edge_weight * one.edge), one.model_id))
    return others[:count]


def _is_small(session: Session, graph: GraphRecord) -> bool:
    """Whether few enough graphs are comparable to look at every one."""
    some = _comparable(graph, literal(1)).limit(LARGEST_FULL_LOOK + 1).subquery()
    counted: int = session.scalars(select(func.count()).select_from(some)).one()
    return counted <= LARGEST_FULL_LOOK


def _walked(
    session: Session, graph: GraphRecord, query: SketchQuery, *, count: int
) -> dict[str, Sketched]:
    """What up to four walks through the index met; all graphs are looked at if that is too few."""
    session.execute(_STEERED, {"width": str(_WIDTH)})
    met: dict[str, Sketched] = {}
    for walk in range(MOST_WALKS):
        along = _path(query.score, walk, seed=graph.id)
        met |= _looked(session, graph, query, _by_index(along), most=max(count, _WIDTH))
        if graph.id in met and len(met) >= count:
            return met
    if len(met) < count:
        met |= _looked(session, graph, query, _fully(query.score), most=count)
    return met


def _path(score: list[float], walk: int, *, seed: str) -> list[float]:
    """The query itself at first, then the query with noise as long as itself."""
    if walk == 0:
        return score
    source = random.Random(f"{seed} {walk}")
    noise = [source.gauss(0.0, 1.0) for _ in score]
    ratio = _DETOUR * (_square(score) / _square(noise)) ** 0.5
    return [value + ratio * other for value, other in zip(score, noise, strict=True)]


def _square(values: list[float]) -> float:
    return sum(value * value for value in values)


def _by_index(asked: list[float]) -> ColumnElement[Any]:
    """An order that the index on sketches serves."""
    order: ColumnElement[Any] = GraphRecord.sketch.max_inner_product(_vector(asked))
    return order


def _fully(asked: list[float]) -> ColumnElement[Any]:
    """The same order, in words that no index understands."""
    return _by_index(asked) + 0


def _vector(values: list[float]) -> ColumnElement[Any]:
    """A vector as a parameter; more digits than half precision keeps would only take time."""
    told = ",".join([f"{value:.5g}" for value in values])
    return cast(bindparam(None, f"[{told}]", type_=NULLTYPE), HALF_SKETCH)


def _looked(
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
        -first.c.sketch.max_inner_product(_vector(asked)) for asked in (query.node, query.edge)
    )
    found = select(first.c.id, first.c.model_id, ModelRecord.name, first.c.sha256, node, edge)
    rows = session.execute(found.join(ModelRecord, ModelRecord.id == first.c.model_id))
    return {row[0]: Sketched(*row) for row in rows}


def _comparable(graph: GraphRecord, *columns: Any) -> Select[Any]:
    """The graphs that may be compared with one; degenerate ones have no sketch."""
    return select(*columns).where(
        GraphRecord.project == graph.project,
        GraphRecord.comparable_key == graph.comparable_key,
        GraphRecord.sketch.is_not(None),
    )
