"""Similarities of some networks of a map from their sketches; the database multiplies."""

import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, Float, func, select
from sqlalchemy.orm import Session

from service.core.operations.maps.requests import MapMatrix
from service.core.sketches import EDGE_SCALE, EDGE_SKETCH_SIZE, NODE_SKETCH_SIZE
from service.core.tables import GraphRecord, MapRecord

Rows = list[list[float]]


def matrices_of(session: Session, *, record: MapRecord, indices: Sequence[int]) -> dict[str, Rows]:
    """Estimated s_V, s_E and s_V + λ s_E of the networks at ``indices``, each with each.

    NaN for a network whose measurement was deleted.
    """
    models = [record.document["models"][index] for index in indices]
    weight = float(record.document["params"]["edge_weight"])
    row_of = {model_id: row for row, model_id in enumerate(models)}
    node, edge, score = ([[math.nan] * len(models) for _ in models] for _ in range(3))
    for first, second, node_product, edge_product in session.execute(_products(record, models)):
        row, column = row_of[first], row_of[second]
        node[row][column] = node[column][row] = node_product
        edge[row][column] = edge[column][row] = edge_product
        score[row][column] = score[column][row] = node_product + weight * edge_product
    return {MapMatrix.NODE: node, MapMatrix.EDGE: edge, MapMatrix.SCORE: score}


def _products(record: MapRecord, models: Sequence[str]) -> Any:
    """Inner products of both parts of the sketches, of every two networks once."""
    parts = _parts(record, models)
    first, second = parts.alias("first"), parts.alias("second")
    node = _product(first.c.node, second.c.node)
    edge = _product(first.c.edge, second.c.edge) / (EDGE_SCALE * EDGE_SCALE)
    pairs = first.c.model_id <= second.c.model_id
    return select(first.c.model_id, second.c.model_id, node, edge).join(second, pairs)


def _parts(record: MapRecord, models: Sequence[str]) -> CTE:
    sketch = GraphRecord.sketch
    return (
        select(
            GraphRecord.model_id,
            func.subvector(sketch, 1, NODE_SKETCH_SIZE).label("node"),
            func.subvector(sketch, NODE_SKETCH_SIZE + 1, EDGE_SKETCH_SIZE).label("edge"),
        )
        .where(
            GraphRecord.project == record.project,
            GraphRecord.comparable_key == record.comparable_key,
            GraphRecord.model_id.in_(models),
            sketch.is_not(None),
        )
        .cte("parts")
    )


def _product(first: ColumnElement[Any], second: ColumnElement[Any]) -> ColumnElement[float]:
    return -first.op("<#>", return_type=Float())(second)
