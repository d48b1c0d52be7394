"""Rankings by a posterior over every candidate's accuracy, from everything that is known."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.catalog import fused_ranking
from service.core.catalog.fused_ranking import FusedRankingParams
from service.core.catalog.measurement import FUSED
from service.core.operations.jobs.internal_jobs import RANKING_PRIORITY, submit_for
from service.core.operations.rankings import by_graph, fusion_evidence
from service.core.operations.rankings.completion import complete, names
from service.core.operations.rankings.dataset_targets import (
    begun,
    measure_missing,
    resolve_dataset_participants,
)
from service.core.operations.rankings.schemas import EstimatorEvidence, RankingRequest
from service.core.tables import RankingRecord, RankingState

progress = by_graph.progress


def create(session: Session, *, project: str, request: RankingRequest) -> RankingRecord:
    """A ranking: ready at once when one was made from the same evidence, else pending.

    Raises:
        InvalidRequestError: Somebody does not exist; or estimators are to be measured and the
            target has no labels.
        ConflictError: The target is not ready.
        TooLargeError: There are more networks than one posterior holds.
    """
    participants = resolve_dataset_participants(session, project=project, request=request)
    measuring = request.estimators is not EstimatorEvidence.KNOWN
    ordered = measure_missing(session, participants=participants) if measuring else {}
    ranking = begun(
        session, participants=participants, request=request, job_ids=ordered, comparable=""
    )
    take(session, ranking=ranking)
    earlier = None if ordered else _made_before(session, ranking)
    if earlier is not None:
        _copy(session, ranking, earlier)
    elif ranking.candidates:
        submit_for(
            session,
            ranking,
            method=fused_ranking.SPEC.name,
            inputs={"ranking_id": ranking.id},
            depends_on=sorted(set(ordered.values())),
            priority=RANKING_PRIORITY,
        )
    else:
        complete(session, ranking, pairs=[], unranked=ranking.unranked)
    return ranking


def take(session: Session, *, ranking: RankingRecord) -> dict[str, Any]:
    """The evidence of this moment; the ranking's key tells from now on that it is made of it."""
    evidence = fusion_evidence.gather(session, ranking=ranking)
    ranking.comparable_key = fusion_evidence.key_of(evidence)
    session.flush()
    return evidence


def _made_before(session: Session, ranking: RankingRecord) -> RankingRecord | None:
    """A ranking that was made from the same evidence."""
    query = (
        select(RankingRecord)
        .where(
            RankingRecord.project == ranking.project,
            RankingRecord.comparable_key == ranking.comparable_key,
            RankingRecord.metric == FUSED,
            RankingRecord.state == RankingState.READY,
        )
        .order_by(RankingRecord.id.desc())
        .limit(1)
    )
    return session.scalars(query).first()


def _copy(session: Session, ranking: RankingRecord, earlier: RankingRecord) -> None:
    ranking.findings = earlier.findings
    told = names(session, [pair["model_id"] for pair in earlier.pairs])
    pairs = [{**pair, "name": told.get(pair["model_id"], "")} for pair in earlier.pairs]
    complete(session, ranking, pairs=pairs, unranked=ranking.unranked)


def fill(session: Session, *, ranking: RankingRecord, found: Mapping[str, Any]) -> None:
    """Make the ranking ready with what the method handed back as plain values."""
    told = names(session, [one["model"] for one in found["estimates"]])
    ranking.findings = {
        "best_set": {
            "model_ids": list(found["best_set"]),
            "coverage": FusedRankingParams().coverage,
            "probability": found["best_set_probability"],
        },
        "expected_regret": found["expected_regret"],
        "measure_next": list(found["measure_next"]),
        "evidence": dict(found["evidence"]),
    }
    pairs = [_pair(one, told.get(one["model"], "")) for one in found["estimates"]]
    complete(session, ranking, pairs=pairs, unranked=ranking.unranked)


def _pair(estimate: Mapping[str, Any], name: str) -> dict[str, Any]:
    kept = ("mean", "deviation", "p_best", "expected_regret", "measured")
    return {
        "model_id": estimate["model"],
        "name": name,
        "score": estimate["mean"],
        "interval": [estimate["low"], estimate["high"]],
        **{field: estimate[field] for field in kept},
    }


def ordered(
    ranking: RankingRecord, edge_weight: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Items in the method's order, the highest expected accuracy first; nobody is left out."""
    del edge_weight
    shared = {"node_similarity": None, "edge_similarity": None, "valid_probes": None}
    return [{"rank": rank, **shared, **pair} for rank, pair in enumerate(ranking.pairs, 1)], []
