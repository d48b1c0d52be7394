"""A finished comparison becomes affinities and the pairs of a ranking."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from service.core.catalogue import ranking as card
from service.core.errors import NotFoundError
from service.core.operations import graphs
from service.core.records import (
    AffinityRecord,
    GraphRecord,
    JobRecord,
    ModelRecord,
    RankingRecord,
    RankingState,
)
from workers.adoption import Harvest

_REASONS = {
    "degenerate": "too few probes have a usable map of this network",
    "too_few_common_probes": "too few probes are valid for both networks",
    "not_measured": "the network was not measured",
}


def record_ranking(session: Session, job: JobRecord, harvest: Harvest) -> dict[str, Any]:
    """Fill the ranking: a pair for every candidate that could be compared, a reason for the others."""
    ranking = session.get(RankingRecord, job.inputs["ranking_id"], with_for_update=True)
    if ranking is None:
        raise NotFoundError("the ranking was removed meanwhile", code="input_gone")
    items = {item["model_id"]: item for item in harvest.data["items"]}
    found = {
        graph.model_id: graph
        for graph in graphs.measured(
            session,
            project=job.project,
            comparable=ranking.comparable_key,
            model_ids=[ranking.target_model_id, *items],
        )
    }
    target = found[ranking.target_model_id]
    compared = {i: item for i, item in items.items() if item["node_similarity"] is not None}
    for model_id, item in compared.items():
        _keep_affinity(session, target, found[model_id], item)
    errors = graphs.measuring_errors(session, job_id=job.id)
    ranking.pairs = [_pair(item) for item in compared.values()]
    ranking.unranked = [
        _unranked(session, model_id, items.get(model_id), errors)
        for model_id in graphs.candidate_ids(ranking)
        if model_id not in compared
    ]
    ranking.state = RankingState.READY
    ranking.error = None
    session.flush()
    return {
        "ranking_id": ranking.id,
        "ranked": len(ranking.pairs),
        "unranked": len(ranking.unranked),
    }


def _pair(item: Mapping[str, Any]) -> dict[str, Any]:
    """Both parts of a score and their spread, from which any edge weight can be served."""
    spread = item["spread"] or {}
    return {
        "model_id": item["model_id"],
        "status": item["status"],
        "valid_probes": item["valid_probes"],
        "node_similarity": item["node_similarity"],
        "edge_similarity": item["edge_similarity"],
        **{k: spread.get(k) for k in ("node_variance", "edge_variance", "covariance")},
    }


def _keep_affinity(
    session: Session, target: GraphRecord, other: GraphRecord, item: Mapping[str, Any]
) -> None:
    """Store the similarity of two graphs, whichever was the target."""
    first, second = sorted((target.id, other.id))
    values = {
        "first": first,
        "second": second,
        "version": card.CARD.version,
        **{k: v for k, v in _pair(item).items() if k not in ("model_id", "status")},
    }
    statement = upsert(AffinityRecord).values(**values)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["first", "second", "version"],
            set_={k: v for k, v in values.items() if k not in ("first", "second", "version")},
        )
    )


def _unranked(
    session: Session,
    model_id: str,
    item: Mapping[str, Any] | None,
    errors: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """A candidate that has no place, with code and detail."""
    if item is not None:
        degenerate = item["status"] == "degenerate"
        code = "degenerate" if degenerate else "too_few_common_probes"
        return {"model_id": model_id, "code": code, "detail": _REASONS[code]}
    if model_id in errors:
        told = {k: errors[model_id].get(k) for k in ("code", "detail", "remedy")}
        return {"model_id": model_id, **told}
    model = session.get(ModelRecord, model_id)
    if model is None:
        return {"model_id": model_id, "code": "model_not_found", "detail": "it was removed"}
    return {"model_id": model_id, "code": "not_measured", "detail": _REASONS["not_measured"]}
