"""The nearest networks are found whatever else crowds the index, and told exactly where files allow."""

from dataclasses import dataclass

import numpy as np
import pytest
from sqlalchemy import delete, event, text
from sqlalchemy.orm import Session

from service.container import Zoo
from service.core.operations.neighbors import neighbors, sketch_search
from service.core.operations.neighbors.neighbors import NearModel
from service.core.sketches import EDGE_SCALE, NODE_SKETCH_SIZE, SKETCH_SIZE
from service.core.tables import DatasetRecord, GraphRecord, ModelRecord
from tests.rest.served import a_dataset, a_graph, a_model

FAMILY = 20


@dataclass
class Herd:
    """Measured models and their sketches, in the order of insertion; their files hold no graphs."""

    zoo: Zoo
    probes: DatasetRecord
    graphs: list[GraphRecord]
    sketches: np.ndarray

    def order(self, index: int, *, edge_weight: float) -> list[str]:
        """All other models, the nearest first, by plain inner products."""
        node = self.sketches[:, :NODE_SKETCH_SIZE]
        edge = self.sketches[:, NODE_SKETCH_SIZE:] / EDGE_SCALE
        scores = node @ node[index] + edge_weight * (edge @ edge[index])
        return [self.graphs[k].model_id for k in np.argsort(-scores) if k != index]


def some_sketches(count: int, *, seed: int) -> np.ndarray:
    """Families of twenty that share nothing; sketches as they are stored, in half precision."""
    draw = np.random.default_rng(seed)
    parts = []
    for size, scale in ((NODE_SKETCH_SIZE, 1.0), (SKETCH_SIZE - NODE_SKETCH_SIZE, EDGE_SCALE)):
        centres = draw.standard_normal((count // FAMILY + 1, size))
        rows = centres[np.arange(count) // FAMILY]
        rows = rows + draw.standard_normal(rows.shape) * draw.uniform(0.3, 1.5, (count, 1))
        parts.append(scale * rows / np.linalg.norm(rows, axis=1, keepdims=True))
    return np.concatenate(parts, axis=1).astype(np.float16).astype(np.float64)


def a_herd(
    zoo: Zoo,
    session: Session,
    sketches: np.ndarray,
    *,
    probes: DatasetRecord | None = None,
    project: str = "default",
) -> Herd:
    probes = probes or a_dataset(zoo, session, project=project)
    graphs = []
    for number, sketch in enumerate(sketches):
        model = a_model(session, name=f"model-{number}", project=project)
        graphs.append(a_graph(session, model, probes, sketch=sketch.tolist(), project=project))
    return Herd(zoo, probes, graphs, sketches)


def near(
    session: Session, herd: Herd, index: int, *, count: int = 10, edge_weight: float = 0.25
) -> list[NearModel]:
    listed = neighbors.shortlist(
        session,
        project=herd.graphs[index].project,
        model_id=herd.graphs[index].model_id,
        dataset_id=herd.probes.id,
        count=count,
        edge_weight=edge_weight,
    )
    return neighbors.nearest(listed, herd.zoo.comparer)


@pytest.fixture
def by_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every zoo counts as a large one."""
    monkeypatch.setattr(sketch_search, "LARGEST_FULL_SCAN", 0)


@pytest.mark.parametrize("edge_weight", [0.0, 0.25, 1.0, 10.0, 1e6])
def test_a_small_zoo_is_ordered_as_all_products_would(zoo: Zoo, edge_weight: float):
    with zoo.transaction() as session:
        herd = a_herd(zoo, session, some_sketches(60, seed=0))

        neighbors = near(session, herd, 7, edge_weight=edge_weight)

    expected = herd.order(7, edge_weight=edge_weight)[:10]
    assert [neighbor.model_id for neighbor in neighbors] == expected


@pytest.mark.usefixtures("by_index")
@pytest.mark.parametrize("edge_weight", [0.0, 0.25, 1.0, 10.0])
def test_one_index_serves_every_edge_weight(zoo: Zoo, edge_weight: float):
    with zoo.transaction() as session:
        herd = a_herd(zoo, session, some_sketches(400, seed=1))
        shares = []

        for index in range(0, 400, 40):
            model_ids = {
                neighbor.model_id
                for neighbor in near(session, herd, index, edge_weight=edge_weight)
            }
            shares.append(len(model_ids & {*herd.order(index, edge_weight=edge_weight)[:10]}) / 10)

    assert np.mean(shares) >= 0.99


@pytest.mark.usefixtures("by_index")
def test_a_large_zoo_is_asked_through_the_index(zoo: Zoo):
    statements: list[tuple[str, object]] = []
    with zoo.transaction() as session:
        herd = a_herd(zoo, session, some_sketches(100, seed=2))
        connection = session.connection()
        event.listen(
            connection.engine,
            "before_cursor_execute",
            lambda _c, _cursor, statement, parameters, *_: statements.append(
                (statement, parameters)
            ),
        )

        near(session, herd, 0)

        statement, parameters = next(
            pair for pair in statements if "ORDER BY graphs.sketch <#>" in pair[0]
        )
        rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)  # type: ignore[arg-type]
        plan = "\n".join(row[0] for row in rows)
    assert "Index Scan using ix_graphs_sketch" in plan


def test_a_small_zoo_in_a_large_index_is_looked_at_one_by_one(zoo: Zoo):
    statements: list[str] = []
    with zoo.transaction() as session:
        herd = a_herd(zoo, session, some_sketches(40, seed=3))
        event.listen(
            session.connection().engine,
            "before_cursor_execute",
            lambda _c, _cursor, statement, *_: statements.append(statement),
        )

        near(session, herd, 0)

    assert any("<#>" in statement for statement in statements)
    assert not any("hnsw.ef_search" in statement for statement in statements)


@pytest.mark.usefixtures("by_index")
def test_other_probe_sets_and_projects_that_crowd_the_index_hide_nobody(zoo: Zoo):
    sketches = some_sketches(30, seed=4)
    with zoo.transaction() as session:
        herd = a_herd(zoo, session, sketches)
        # Strangers nearer than any kin: copies with a whisper of noise, under another key, and
        # under the same key in another project.
        noise = np.random.default_rng(5).standard_normal((12, 30, SKETCH_SIZE)) * 1e-3
        for copies in noise[:6]:
            a_herd(zoo, session, sketches + copies)
        key = herd.probes.manifest_sha256
        other = a_dataset(zoo, session, project="elsewhere", manifest_sha256=key)
        for copies in noise[6:]:
            a_herd(zoo, session, sketches + copies, probes=other, project="elsewhere")

        neighbors = near(session, herd, 3)

    assert [neighbor.model_id for neighbor in neighbors] == herd.order(3, edge_weight=0.25)[:10]


@pytest.mark.usefixtures("by_index")
def test_a_walk_that_brings_too_few_is_followed_by_a_full_look(zoo: Zoo):
    sketches = some_sketches(400, seed=6)
    with zoo.transaction() as session:
        a_herd(zoo, session, sketches)
        herd = a_herd(zoo, session, sketches[:15])
        session.execute(text("SET LOCAL hnsw.max_scan_tuples = 1"))

        neighbors = near(session, herd, 3)

    assert [neighbor.model_id for neighbor in neighbors] == herd.order(3, edge_weight=0.25)[:10]


@pytest.mark.usefixtures("by_index")
def test_what_was_deleted_or_cannot_be_compared_is_not_near(zoo: Zoo):
    with zoo.transaction() as session:
        herd = a_herd(zoo, session, some_sketches(40, seed=7))
        first, second, *_ = herd.order(3, edge_weight=0.25)
        flat = a_model(session, name="flat").id
        a_graph(session, session.get_one(ModelRecord, flat), herd.probes, status="degenerate")
        session.execute(delete(ModelRecord).where(ModelRecord.id == first))

        model_ids = [neighbor.model_id for neighbor in near(session, herd, 3, count=200)]

    assert len(model_ids) == 38
    assert model_ids[0] == second
    assert not {first, flat} & {*model_ids}


def test_constant_edges_are_compared_by_nodes(zoo: Zoo):
    sketches = some_sketches(30, seed=8)
    sketches[4, NODE_SKETCH_SIZE:] = 0.0
    with zoo.transaction() as session:
        herd = a_herd(zoo, session, sketches)

        neighbors = {
            neighbor.model_id: neighbor
            for neighbor in near(session, herd, 3, count=29, edge_weight=1)
        }

    neighbor = neighbors[herd.graphs[4].model_id]
    assert neighbor.edge_similarity == 0.0
    assert neighbor.score == pytest.approx(sketches[3, :1024] @ sketches[4, :1024], abs=1e-3)


def test_an_estimate_says_how_far_it_may_be_off(zoo: Zoo):
    with zoo.transaction() as session:
        herd = a_herd(zoo, session, some_sketches(20, seed=9))

        best = near(session, herd, 3, edge_weight=1)[0]

    assert best.node_similarity is not None
    assert best.edge_similarity is not None
    node, edge = ((1 - part**2) ** 2 for part in (best.node_similarity, best.edge_similarity))
    assert not best.exact
    assert best.error == pytest.approx(3 * (node / 1024 + edge / 512) ** 0.5)
