"""Nearest neighbors of a network: a shortlist from the sketch index, then exact comparisons.

The two steps are separate, so that no database connection is held while files are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from service.core.catalog import depara
from service.core.catalog.depara import DeparaParams
from service.core.errors import NotFoundError
from service.core.operations import names, owned_rows
from service.core.operations.measurements import graphs
from service.core.operations.neighbors import sketch_search
from service.core.operations.neighbors.closeness import Closeness, GraphComparer
from service.core.operations.neighbors.sketch_search import Sketched
from service.core.operations.rankings import affinities
from service.core.operations.remedies import post
from service.core.sketches import error_of
from service.core.tables import DatasetRecord, GraphRecord

MOST_NEIGHBORS = 200
COMPARED_EXACTLY = 50


@dataclass(frozen=True)
class NearModel:
    """A model near another one.

    ``exact`` is True for a full comparison. Otherwise sketches estimate the score, and its error
    exceeds ``error`` in at most one of a hundred cases.
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
    """Candidates for the nearest graphs of ``graph``, best first, and stored exact similarities."""

    graph: GraphRecord
    edge_weight: float
    count: int
    candidates: list[Sketched]
    stored: Mapping[str, Closeness]


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
    """More than ``count`` measured models that are nearest to one by their sketches.

    Raises:
        NotFoundError: The model or dataset does not exist; or ``not_measured``: the model has no usable graph
            on this probe set.
        ConflictError: The dataset is not ready.
    """
    graph = measured_graph(
        session, project=project, model_id=model_id, dataset_id=dataset_id, settings=settings
    )
    most = max(COMPARED_EXACTLY, 2 * count)
    candidates = sketch_search.nearest(session, graph, edge_weight=edge_weight, count=most)
    rows = affinities.of_graph(
        session, graph_id=graph.id, others=[candidate.graph_id for candidate in candidates]
    )
    stored = {
        id_: Closeness(row.node_similarity, row.edge_similarity) for id_, row in rows.items()
    }
    return Shortlist(graph, edge_weight, count, candidates, stored)


def measured_graph(
    session: Session,
    *,
    project: str,
    model_id: str,
    dataset_id: str,
    settings: DeparaParams | None = None,
) -> GraphRecord:
    """The usable graph of a model on a probe set. Raises as ``shortlist``."""
    owned_rows.get_network(session, project=project, id=model_id)
    dataset_id = names.id_of(session, DatasetRecord, project=project, reference=dataset_id)
    probes = owned_rows.get_ready(session, DatasetRecord, project=project, id=dataset_id)
    comparable = graphs.comparable_key(probes.manifest_sha256 or "", settings or DeparaParams())
    measured = graphs.measured(
        session, project=project, comparable=comparable, model_ids=[model_id]
    )
    if not measured or measured[-1].sketch is None:
        order = {
            "method": depara.SPEC.name,
            "inputs": {"model_id": model_id, "dataset_id": dataset_id},
        }
        asked = (settings or DeparaParams()).model_dump(mode="json", exclude_defaults=True)
        raise NotFoundError(
            f"{model_id} has no usable measurement on {dataset_id}",
            code="not_measured",
            remedy=post("/v1/jobs", {**order, "params": asked} if asked else order),
        )
    return measured[-1]


def nearest(shortlist: Shortlist, comparer: GraphComparer) -> list[NearModel]:
    """The nearest of a shortlist, best first; the first fifty are compared exactly.

    Fewer are compared if the graphs are too large for a request. Models with too few common probes
    are omitted.
    """
    exact = _exact(shortlist, comparer)
    neighbors = [
        neighbor
        for candidate in shortlist.candidates
        if (neighbor := _neighbor(candidate, exact, shortlist.edge_weight)) is not None
    ]
    neighbors.sort(key=lambda neighbor: (-neighbor.score, neighbor.model_id))
    return neighbors[: shortlist.count]


def _exact(shortlist: Shortlist, comparer: GraphComparer) -> dict[str, Closeness]:
    """Exact similarities by graph: stored ones, and new ones from graph files."""
    settings = DeparaParams.model_validate(shortlist.graph.settings)
    best = shortlist.candidates[: max(COMPARED_EXACTLY, shortlist.count)]
    unknown = {
        candidate.graph_id: candidate.sha256
        for candidate in best
        if candidate.graph_id not in shortlist.stored
    }
    compared = comparer.compare(
        shortlist.graph.sha256 or "",
        list(unknown.values()),
        variant=settings.ranks,
        min_valid=settings.min_valid,
        nodes=settings.nodes,
    )
    new = {id_: compared[digest] for id_, digest in unknown.items() if digest in compared}
    return {**shortlist.stored, **new}


def _neighbor(
    candidate: Sketched, exact: Mapping[str, Closeness], edge_weight: float
) -> NearModel | None:
    """A candidate with its score; None if it has none."""
    closeness = exact.get(candidate.graph_id)
    node, edge = (
        (candidate.node, candidate.edge)
        if closeness is None
        else (closeness.node_similarity, closeness.edge_similarity)
    )
    if node is None:
        return None
    score = node + edge_weight * (edge or 0.0)
    error = (
        None if closeness else error_of(candidate.node, candidate.edge, edge_weight=edge_weight)
    )
    return NearModel(
        candidate.model_id, candidate.name, score, node, edge, closeness is not None, error
    )
