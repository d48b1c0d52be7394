"""Completion of rankings by an estimator, when the last of their jobs finishes."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.catalog.measurement import LABEL_SCORE_OF, LABELS, Estimator
from service.core.operations import owned_rows
from service.core.operations.measurements import estimates
from service.core.operations.rankings import consensus, fit
from service.core.operations.rankings.completion import (
    add_warnings,
    complete,
    errors,
    names,
    reason,
)
from service.core.tables import (
    FINAL_STATES,
    DatasetRecord,
    EstimateRecord,
    JobRecord,
    RankingRecord,
    RankingState,
)


def complete_rankings(session: Session, *, job: JobRecord) -> None:
    """Complete the rankings for which this job, which is about to finish, is the last."""
    # Locked, so that of two jobs that finish at the same time the second sees the first.
    waiting = (
        select(RankingRecord)
        .where(
            RankingRecord.project == job.project,
            RankingRecord.state == RankingState.PENDING,
            RankingRecord.metric.in_([*Estimator, LABELS, *LABEL_SCORE_OF]),
            RankingRecord.target_model_id.is_(None),
            RankingRecord.candidates.contains([{"job_id": job.id}]),
        )
        .order_by(RankingRecord.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for ranking in session.scalars(waiting).all():
        if not unfinished(session, ranking) - {job.id}:
            fill(session, ranking)


def estimate_jobs(ranking: RankingRecord) -> set[str]:
    """Ids of the jobs that estimate the candidates."""
    return {candidate["job_id"] for candidate in ranking.candidates} - {None}


def unfinished(session: Session, ranking: RankingRecord) -> set[str]:
    """The jobs among those of ``estimate_jobs`` that have not finished."""
    job_ids = estimate_jobs(ranking)
    if not job_ids:
        return job_ids
    query = select(JobRecord.id).where(
        JobRecord.project == ranking.project,
        JobRecord.id.in_(job_ids),
        JobRecord.state.not_in(FINAL_STATES),
    )
    return set(session.scalars(query))


def fill(session: Session, ranking: RankingRecord) -> None:
    """Rank the candidates by their stored scores; candidates without a score get a reason."""
    dataset = owned_rows.get(
        session, DatasetRecord, project=ranking.project, id=ranking.dataset_id
    )
    ids = [candidate["model_id"] for candidate in ranking.candidates]
    estimated = estimates.stored(
        session,
        project=ranking.project,
        comparable=estimates.comparable_key(dataset),
        model_ids=ids,
    )
    scores = _scores(ranking.metric, estimated)
    names_by_id = names(session, project=ranking.project, ids=ids)
    failed = errors(session, ranking=ranking)
    pairs, unranked = [], list(ranking.unranked)
    for candidate in ranking.candidates:
        model_id, estimate = candidate["model_id"], estimated.get(candidate["model_id"])
        score = scores.get(model_id)
        if estimate is None or score is None:
            error = failed.get(candidate["job_id"], {})
            unranked.append(reason(model_id, _reason_of(estimate, ranking.metric, error)))
        else:
            pairs.append(_pair(estimate, score, name=names_by_id.get(model_id, "")))
    add_warnings(ranking, fit.warnings_of(session, target=dataset, estimated=estimated))
    complete(session, ranking, pairs=pairs, unranked=unranked)


def _scores(metric: str, estimated: Mapping[str, EstimateRecord]) -> dict[str, float | None]:
    """The scores that order the networks, by network."""
    if metric == LABELS:
        return {**consensus.of_labels(estimated)}
    name = _name_of(metric)
    return {model: estimate.scores.get(name) for model, estimate in estimated.items()}


def _reason_of(
    estimate: EstimateRecord | None, metric: str, error: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The reason that the estimator gave, or else the error of its job."""
    if estimate is None:
        return error
    name = consensus.LABEL_ESTIMATORS[0].value if metric == LABELS else _name_of(metric)
    stored: Mapping[str, Any] = estimate.reasons.get(name, {})
    return stored


def _name_of(metric: str) -> str:
    """The name under which estimates store the metric's score."""
    return LABEL_SCORE_OF.get(metric, metric)


def _pair(estimate: EstimateRecord, score: float, *, name: str) -> dict[str, Any]:
    return {
        "model_id": estimate.model_id,
        "name": name,
        "score": score,
        "valid_probes": estimate.images,
    }
