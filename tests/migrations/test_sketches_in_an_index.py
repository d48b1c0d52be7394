"""Sketches that were stored before the index existed are in it afterwards, and come back."""

import numpy as np
import pytest
from alembic import command
from sqlalchemy import Connection, create_engine, text

from service.embedded.postgres import PrivatePostgres
from service.migrate import configuration

DRAW = np.random.default_rng(0)
NODE, EDGE = DRAW.standard_normal(1024), DRAW.standard_normal(512)
_INSERT = """
INSERT INTO graphs (id, project, model_id, dataset_id, cache_key, comparable_key, settings, status,
    valid_probes, numeric_policy, node_sketch, edge_sketch)
VALUES (:id, 'farm', :id, 'dst', :id, 'key', '{}', :status, 9, '{}', :node, :edge)
"""


@pytest.fixture
def connection(postgres: PrivatePostgres):
    """A database as it was before the index, with three graphs."""
    postgres.create_database("before")
    engine = create_engine("postgresql+psycopg://" + postgres.url("before").split("://", 1)[1])
    with engine.begin() as connection:
        command.upgrade(configuration(connection), "0003")
        # Graphs alone, without the models and datasets that they name.
        connection.execute(text("SET session_replication_role = replica"))
        graphs = (("whole", "ok", EDGE), ("edgeless", "constant_edges", 0 * EDGE))
        for id_, status, edge in (*graphs, ("flat", "degenerate", EDGE)):
            values = {
                "id": id_,
                "status": status,
                "node": vector_text(NODE),
                "edge": vector_text(edge),
            }
            connection.execute(text(_INSERT), values)
        yield connection
    engine.dispose()
    postgres.drop_database("before")


def vector_text(values: np.ndarray) -> str:
    return "[" + ",".join(map(str, values)) + "]"


def column(connection: Connection, name: str) -> dict[str, np.ndarray | None]:
    rows = connection.execute(text(f"SELECT id, {name}::text FROM graphs"))
    return {
        id_: None if value is None else np.array(value.strip("[]").split(","), dtype=float)
        for id_, value in rows
    }


def unit(values: np.ndarray) -> np.ndarray:
    return values / np.linalg.norm(values)


def test_sketches_are_joined_at_unit_length_with_halved_edges(connection: Connection):
    command.upgrade(configuration(connection), "0004")

    sketches = column(connection, "sketch")
    whole = np.concatenate([unit(NODE), unit(EDGE) / 2])
    assert sketches["whole"] == pytest.approx(whole, abs=1e-4)
    assert sketches["edgeless"] == pytest.approx([*unit(NODE), *(0 * EDGE)], abs=1e-4)
    assert sketches["flat"] is None


def test_the_way_back_keeps_their_directions(connection: Connection):
    command.upgrade(configuration(connection), "0004")
    command.downgrade(configuration(connection), "0003")

    assert column(connection, "node_sketch")["whole"] == pytest.approx(unit(NODE), abs=1e-4)
    assert column(connection, "edge_sketch")["whole"] == pytest.approx(unit(EDGE), abs=1e-4)
    assert column(connection, "edge_sketch")["edgeless"] == pytest.approx(0 * EDGE)
