"""What a job found out about candidates fills their ranking; similarities are kept besides."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from service.core.catalog import ranking as spec
from service.core.errors import NotFoundError
from service.core.operations.measurements import graphs
from service.core.operations.rankings import by_graph, fused
from service.core.tables import AffinityRecord, GraphRecord, JobRecord, RankingRecord
from workers.worker.outputs import JobOutput


def record_ranking(session: Session, job: JobRecord, output: JobOutput) -> dict[str, Any]:
    """Store the similarities that were missing, then fill the ranking from all that are known."""
    ranking = session.get(RankingRecord, job.inputs["ranking_id"], with_for_update=True)
    if ranking is None:
        raise NotFoundError("the ranking was removed meanwhile", code="input_deleted")
    target_id = by_graph.target_of(ranking)
    items = {item["model_id"]: item for item in output.data["items"]}
    found = {
        graph.model_id: graph
        for graph in graphs.measured(
            session,
            project=job.project,
            comparable=ranking.comparable_key,
            model_ids=[target_id, *items],
        )
    }
    target = found[target_id]
    for model_id, item in items.items():
        if model_id in found:
            _keep_affinity(session, target, found[model_id], item)
    by_graph.finish(session, ranking=ranking)
    return {
        "ranking_id": ranking.id,
        "ranked": len(ranking.pairs),
        "unranked": len(ranking.unranked),
    }


def record_fused_ranking(session: Session, job: JobRecord, output: JobOutput) -> dict[str, Any]:
    """Fill the ranking with the posterior."""
    ranking = session.get(RankingRecord, job.inputs["ranking_id"], with_for_update=True)
    if ranking is None:
        raise NotFoundError("the ranking was removed meanwhile", code="input_deleted")
    fused.fill(session, ranking=ranking, found=output.data)
    return {"ranking_id": ranking.id, "ranked": len(ranking.pairs)}


def _parts(item: Mapping[str, Any]) -> dict[str, Any]:
    """Both parts of a score and their spread, from which any edge weight can be served."""
    spread = item["spread"] or {}
    return {
        **{k: item[k] for k in ("node_similarity", "edge_similarity", "valid_probes")},
        **{k: spread.get(k) for k in ("node_variance", "edge_variance", "covariance")},
    }


def _keep_affinity(
    session: Session, target: GraphRecord, other: GraphRecord, item: Mapping[str, Any]
) -> None:
    """Store the similarity of two graphs, whichever was the target."""
    first, second = sorted((target.id, other.id))
    parts = _parts(item)
    version = spec.SPEC.version
    statement = upsert(AffinityRecord).values(first=first, second=second, version=version, **parts)
    session.execute(
        statement.on_conflict_do_update(index_elements=["first", "second", "version"], set_=parts)
    )
