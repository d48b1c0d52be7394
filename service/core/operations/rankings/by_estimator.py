"""Rankings by labels of the target: one estimator, several combined, or labels as the ideal graph."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.operations.measurements import estimates
from service.core.operations.rankings.dataset_targets import (
    create_pending,
    measure_missing,
    resolve_dataset_participants,
)
from service.core.operations.rankings.estimator_completion import estimate_jobs, fill, unfinished
from service.core.operations.rankings.schemas import RankingRequest
from service.core.tables import JobRecord, RankingRecord


def create(session: Session, *, project: str, request: RankingRequest) -> RankingRecord:
    """A ranking: ready if every candidate has an estimate, otherwise pending.

    The last of its jobs to finish completes it; ``job_id`` names the last one submitted.

    Raises:
        InvalidRequestError: A model or dataset does not exist, or the target has no labels.
        ConflictError: The target is not ready.
    """
    participants = resolve_dataset_participants(session, project=project, request=request)
    job_ids = measure_missing(session, participants=participants)
    comparable = estimates.comparable_key(participants.target)
    ranking = create_pending(
        session, participants=participants, request=request, job_ids=job_ids, comparable=comparable
    )
    waiting = _unfinished_jobs(session, ranking)
    ranking.job_id = max(waiting, default=None)
    if not waiting:
        fill(session, ranking)
    return ranking


def _unfinished_jobs(session: Session, ranking: RankingRecord) -> set[str]:
    """The jobs that the ranking waits for, locked so that none finishes before this transaction."""
    # A shared job may be finishing now, before its worker can see this ranking.
    held = select(JobRecord.id).where(
        JobRecord.project == ranking.project, JobRecord.id.in_(estimate_jobs(ranking))
    )
    session.execute(held.order_by(JobRecord.id).with_for_update(read=True))
    return unfinished(session, ranking)


def progress(session: Session, ranking: RankingRecord) -> dict[str, Any]:
    """How many of the jobs that the ranking waits for have finished."""
    job_ids = estimate_jobs(ranking)
    step = len(job_ids) - len(unfinished(session, ranking))
    return {"step": step, "total": len(job_ids), "message": "measuring"}


def ordered(
    ranking: RankingRecord, edge_weight: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All items, highest score first and equal scores by model id; none is without a rank.

    Labels as the ideal graph have no maps, so that no edge weight changes the order.
    """
    del edge_weight
    best_first = sorted(ranking.pairs, key=lambda pair: (-pair["score"], pair["model_id"]))
    shared = {"node_similarity": None, "edge_similarity": None, "interval": None}
    return [{"rank": rank, **shared, **pair} for rank, pair in enumerate(best_first, 1)], []
