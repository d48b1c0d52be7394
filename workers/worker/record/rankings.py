"""What a job computed about candidates completes their ranking; similarities get rows of their own."""

from typing import Any

from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from service.core.catalog import ranking as spec
from service.core.operations.measurements import graphs
from service.core.operations.rankings import by_graph, fused
from service.core.results.measurements import SpreadFacts
from service.core.results.rankings import ComparedCandidates, ComparedGraphFacts, FusedCandidates
from service.core.tables import AffinityRecord, GraphRecord, JobRecord, RankingRecord
from workers.worker.outputs import JobOutput
from workers.worker.record.rows import locked_row


def record_ranking(
    session: Session, job: JobRecord, output: JobOutput[ComparedCandidates]
) -> dict[str, Any]:
    """Store the similarities that were missing, then complete the ranking from all similarities."""
    ranking = locked_row(session, job, RankingRecord, job.inputs["ranking_id"])
    target_id = by_graph.target_of(ranking)
    items = {item.model_id: item for item in output.result.items}
    measured = {
        graph.model_id: graph
        for graph in graphs.measured(
            session,
            project=job.project,
            comparable=ranking.comparable_key,
            model_ids=[target_id, *items],
        )
    }
    target = measured[target_id]
    for model_id, item in items.items():
        if model_id in measured:
            _keep_affinity(session, target, measured[model_id], item)
    by_graph.finish(session, ranking=ranking)
    return {
        "ranking_id": ranking.id,
        "ranked": len(ranking.pairs),
        "unranked": len(ranking.unranked),
    }


def record_fused_ranking(
    session: Session, job: JobRecord, output: JobOutput[FusedCandidates]
) -> dict[str, Any]:
    """Complete the ranking with the posterior."""
    ranking = locked_row(session, job, RankingRecord, job.inputs["ranking_id"])
    fused.fill(session, ranking=ranking, posterior=output.result.model_dump(mode="json"))
    return {"ranking_id": ranking.id, "ranked": len(ranking.pairs)}


def spread_columns(spread: SpreadFacts | None) -> dict[str, float | None]:
    """The columns of a spread, each None where there is no spread."""
    return {name: getattr(spread, name, None) for name in SpreadFacts.model_fields}


def _keep_affinity(
    session: Session, target: GraphRecord, other: GraphRecord, item: ComparedGraphFacts
) -> None:
    """Store the parts of the similarity of two graphs, whichever was the target."""
    first, second = sorted((target.id, other.id))
    parts = {
        **item.model_dump(include={"node_similarity", "edge_similarity", "valid_probes"}),
        **spread_columns(item.spread),
    }
    version = spec.SPEC.version
    statement = upsert(AffinityRecord).values(first=first, second=second, version=version, **parts)
    session.execute(
        statement.on_conflict_do_update(index_elements=["first", "second", "version"], set_=parts)
    )
