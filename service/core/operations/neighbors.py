"""Who is near a network: one search over sketches, made exact where similarities are known."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.catalogue.depara import DeparaParams
from service.core.errors import ConflictError
from service.core.operations import affinities, datasets, graphs, models, scores
from service.core.records import AffinityRecord, GraphRecord, GraphStatus, ModelRecord

MOST_NEIGHBORS = 200


@dataclass(frozen=True)
class Neighbor:
    """A model near another one; ``exact`` tells a full comparison from one of sketches."""

    model_id: str
    name: str
    score: float
    node_similarity: float | None
    edge_similarity: float | None
    exact: bool


def near(
    session: Session,
    *,
    project: str,
    model_id: str,
    dataset_id: str,
    count: int,
    edge_weight: float,
    settings: DeparaParams | None = None,
) -> list[Neighbor]:
    """The measured models nearest to one, best first.

    Raises:
        NotFoundError: No such model or dataset.
        ConflictError: ``not_measured``: the model has no usable graph on this probe set.
    """
    models.get(session, project=project, model_id=model_id)
    probes = datasets.get_ready(session, project=project, dataset_id=dataset_id)
    comparable = graphs.comparable_key(probes.manifest_sha256 or "", settings or DeparaParams())
    measured = graphs.measured(
        session, project=project, comparable=comparable, model_ids=[model_id]
    )
    graph = measured[-1] if measured else None
    if graph is None or graph.node_sketch is None:
        raise ConflictError(
            f"{model_id} has no usable measurement on {dataset_id}",
            code="not_measured",
            remedy="ask for a ranking with these probes, or submit a job of method depara",
        )
    found = _by_sketch(session, graph, edge_weight=edge_weight, count=2 * count)
    exact = affinities.of_graph(session, graph_id=graph.id, others=list(found))
    neighbors = [_neighbor(row, exact.get(id_), edge_weight) for id_, row in found.items()]
    neighbors.sort(key=lambda one: (-one.score, one.model_id))
    return neighbors[:count]


@dataclass(frozen=True)
class _Near:
    model_id: str
    name: str
    node: float | None
    edge: float | None


def _by_sketch(
    session: Session, graph: GraphRecord, *, edge_weight: float, count: int
) -> dict[str, _Near]:
    """The nearest graphs by cosine of sketches, by graph id."""
    node = 1 - GraphRecord.node_sketch.cosine_distance(graph.node_sketch)
    edge = node * 0
    if graph.edge_sketch is not None:
        edge = 1 - GraphRecord.edge_sketch.cosine_distance(graph.edge_sketch)
    order = node if edge_weight == 0 else node + edge_weight * edge
    query = (
        select(GraphRecord.id, GraphRecord.model_id, ModelRecord.name, node, edge)
        .join(ModelRecord, ModelRecord.id == GraphRecord.model_id)
        .where(
            GraphRecord.project == graph.project,
            GraphRecord.comparable_key == graph.comparable_key,
            GraphRecord.model_id != graph.model_id,
            GraphRecord.status != GraphStatus.DEGENERATE,
            GraphRecord.node_sketch.is_not(None),
        )
        .order_by(order.desc().nulls_last(), GraphRecord.model_id)
        .limit(count)
    )
    return {row[0]: _Near(*row[1:]) for row in session.execute(query)}


def _neighbor(row: _Near, exact: AffinityRecord | None, edge_weight: float) -> Neighbor:
    if exact is not None and exact.node_similarity is not None:
        node, edge = exact.node_similarity, exact.edge_similarity
    else:
        node, edge = row.node or 0.0, row.edge
    score = scores.score_of(
        {"node_similarity": node, "edge_similarity": edge}, edge_weight=edge_weight
    )
    told = node if score is None else score
    return Neighbor(row.model_id, row.name, told, node, edge, exact is not None)
