"""Completion of rankings by an estimator, when the last of their jobs finishes."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.catalog.measurement import Estimator
from service.core.operations.measurements import estimates
from service.core.operations.rankings.completion import complete, errors, names, reason
from service.core.tables import (
    FINAL_STATES,
    DatasetRecord,
    EstimateRecord,
    JobRecord,
    RankingRecord,
    RankingState,
)


def complete_rankings(session: Session, *, job_id: str) -> None:
    """Complete the rankings for which this job, which is about to finish, is the last."""
    # Locked, so that of two jobs that finish at the same time the second sees the first.
    waiting = (
        select(RankingRecord)
        .where(
            RankingRecord.state == RankingState.PENDING,
            RankingRecord.metric.in_(list(Estimator)),
            RankingRecord.candidates.contains([{"job_id": job_id}]),
        )
        .order_by(RankingRecord.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for ranking in session.scalars(waiting).all():
        if not unfinished(session, estimate_jobs(ranking) - {job_id}):
            fill(session, ranking)


def estimate_jobs(ranking: RankingRecord) -> set[str]:
    """Ids of the jobs that estimate the candidates."""
    return {candidate["job_id"] for candidate in ranking.candidates} - {None}


def unfinished(session: Session, job_ids: set[str]) -> set[str]:
    """The jobs among these that have not finished."""
    if not job_ids:
        return job_ids
    query = select(JobRecord.id).where(
        JobRecord.id.in_(job_ids), JobRecord.state.not_in(FINAL_STATES)
    )
    return set(session.scalars(query))


def fill(session: Session, ranking: RankingRecord) -> None:
    """Rank the candidates by their stored scores; candidates without a score get a reason."""
    dataset = session.get_one(DatasetRecord, ranking.dataset_id)
    ids = [candidate["model_id"] for candidate in ranking.candidates]
    estimated = estimates.stored(
        session,
        project=ranking.project,
        comparable=estimates.comparable_key(dataset),
        model_ids=ids,
    )
    names_by_id = names(session, ids)
    failed = errors(session, ranking.candidates)
    pairs, unranked = [], list(ranking.unranked)
    for candidate in ranking.candidates:
        model_id, estimate = candidate["model_id"], estimated.get(candidate["model_id"])
        score = None if estimate is None else estimate.scores.get(ranking.metric)
        if estimate is None or score is None:
            error = failed.get(candidate["job_id"], {})
            unranked.append(reason(model_id, _reason_of(estimate, ranking.metric, error)))
        else:
            pairs.append(_pair(estimate, score, name=names_by_id.get(model_id, "")))
    complete(session, ranking, pairs=pairs, unranked=unranked)


def _reason_of(
    estimate: EstimateRecord | None, metric: str, error: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The reason that the estimator gave, or else the error of its job."""
    if estimate is None:
        return error
    stored: Mapping[str, Any] = estimate.reasons.get(metric, {})
    return stored


def _pair(estimate: EstimateRecord, score: float, *, name: str) -> dict[str, Any]:
    return {
        "model_id": estimate.model_id,
        "name": name,
        "score": score,
        "valid_probes": estimate.images,
    }
