"""Who is near a network: a shortlist by the index of sketches, then the exact vectors.

Asked in two steps, so that no connection to the database is held while files are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from service.core.catalog import depara
from service.core.catalog.depara import DeparaParams
from service.core.errors import NotFoundError
from service.core.operations import owned_rows
from service.core.operations.measurements import graphs
from service.core.operations.neighbors import sketch_search
from service.core.operations.neighbors.closeness import Closeness, GraphComparer
from service.core.operations.neighbors.sketch_search import Sketched
from service.core.operations.rankings import affinities
from service.core.operations.remedies import post
from service.core.sketches import error_of
from service.core.tables import DatasetRecord, GraphRecord, ModelRecord

MOST_NEIGHBORS = 200
COMPARED_EXACTLY = 50


@dataclass(frozen=True)
class NearModel:
    """A model near another one.

    ``exact`` tells a full comparison from one of sketches, whose score is off by more than
    ``error`` at most once in a hundred times.
    """

    model_id: str
    name: str
    score: float
    node_similarity: float | None
    edge_similarity: float | None
    exact: bool
    error: float | None


@dataclass(frozen=True)
class Shortlist:
    """Who may be among the nearest of ``graph``, best first, and what is already known exactly."""

    graph: GraphRecord
    edge_weight: float
    count: int
    candidates: list[Sketched]
    known: Mapping[str, Closeness]


def shortlist(
    session: Session,
    *,
    project: str,
    model_id: str,
    dataset_id: str,
    count: int,
    edge_weight: float,
    settings: DeparaParams | None = None,
) -> Shortlist:
    """The measured models that sketches call nearest to one, more of them than ``count``.

    Raises:
        NotFoundError: No such model or dataset; or ``not_measured``: the model has no usable graph
            on this probe set.
        ConflictError: The dataset is not ready.
    """
    owned_rows.get(session, ModelRecord, project=project, id=model_id)
    probes = owned_rows.get_ready(session, DatasetRecord, project=project, id=dataset_id)
    comparable = graphs.comparable_key(probes.manifest_sha256 or "", settings or DeparaParams())
    measured = graphs.measured(
        session, project=project, comparable=comparable, model_ids=[model_id]
    )
    if not measured or measured[-1].sketch is None:
        inputs = {"model_id": model_id, "dataset_id": dataset_id}
        raise NotFoundError(
            f"{model_id} has no usable measurement on {dataset_id}",
            code="not_measured",
            remedy=post("/v1/jobs", {"method": depara.SPEC.name, "inputs": inputs}),
        )
    graph = measured[-1]
    most = max(COMPARED_EXACTLY, 2 * count)
    found = sketch_search.nearest(session, graph, edge_weight=edge_weight, count=most)
    rows = affinities.of_graph(session, graph_id=graph.id, others=[one.graph_id for one in found])
    known = {id_: Closeness(row.node_similarity, row.edge_similarity) for id_, row in rows.items()}
    return Shortlist(graph, edge_weight, count, found, known)


def nearest(listed: Shortlist, comparer: GraphComparer) -> list[NearModel]:
    """The nearest of a shortlist, best first; the first fifty are compared exactly.

    Fewer are where the graphs are too large for a request, and who has too few probes in common is
    left out.
    """
    exact = _exact(listed, comparer)
    found = [_neighbor(one, exact, listed.edge_weight) for one in listed.candidates]
    neighbors = [one for one in found if one is not None]
    neighbors.sort(key=lambda one: (-one.score, one.model_id))
    return neighbors[: listed.count]


def _exact(listed: Shortlist, comparer: GraphComparer) -> dict[str, Closeness]:
    """Exact similarities by graph: those known before, and those that files tell."""
    settings = DeparaParams.model_validate(listed.graph.settings)
    best = listed.candidates[: max(COMPARED_EXACTLY, listed.count)]
    unknown = {one.graph_id: one.sha256 for one in best if one.graph_id not in listed.known}
    told = comparer.compare(
        listed.graph.sha256 or "",
        list(unknown.values()),
        variant=settings.ranks,
        min_valid=settings.min_valid,
    )
    found = {id_: told[digest] for id_, digest in unknown.items() if digest in told}
    return {**listed.known, **found}


def _neighbor(
    one: Sketched, exact: Mapping[str, Closeness], edge_weight: float
) -> NearModel | None:
    """A candidate with its score; None when it cannot be compared."""
    known = exact.get(one.graph_id)
    node, edge = (one.node, one.edge) if known is None else _parts(known)
    if node is None:
        return None
    score = node + edge_weight * (edge or 0.0)
    error = None if known else error_of(one.node, one.edge, edge_weight=edge_weight)
    return NearModel(one.model_id, one.name, score, node, edge, known is not None, error)


def _parts(known: Closeness) -> tuple[float | None, float | None]:
    return known.node_similarity, known.edge_similarity
