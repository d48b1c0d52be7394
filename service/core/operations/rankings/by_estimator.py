"""Rankings by what labels of the target say about each network: LogME, LEEP, k-NN and the like."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.operations.measurements import estimates
from service.core.operations.rankings.dataset_targets import (
    begun,
    measure_missing,
    resolve_dataset_participants,
)
from service.core.operations.rankings.estimator_completion import estimate_jobs, fill, unfinished
from service.core.operations.rankings.schemas import RankingRequest
from service.core.tables import JobRecord, RankingRecord


def create(session: Session, *, project: str, request: RankingRequest) -> RankingRecord:
    """A ranking: ready at once when everything was judged before, else pending.

    Whichever of its jobs ends last fills it; ``job_id`` names the one that was ordered last.

    Raises:
        InvalidRequestError: Somebody does not exist, or the target has no labels.
        ConflictError: The target is not ready.
    """
    participants = resolve_dataset_participants(session, project=project, request=request)
    ordered = measure_missing(session, participants=participants)
    comparable = estimates.comparable_key(participants.target)
    ranking = begun(
        session, participants=participants, request=request, job_ids=ordered, comparable=comparable
    )
    ranking.job_id = max(ordered.values(), default=None)
    if not _under_way(session, ranking):
        fill(session, ranking)
    return ranking


def _under_way(session: Session, ranking: RankingRecord) -> set[str]:
    """Jobs that the ranking waits for; none of them ends before this transaction does."""
    # A shared job may end just now, before the ranking can be seen by those who would fill it.
    held = select(JobRecord.id).where(JobRecord.id.in_(estimate_jobs(ranking)))
    session.execute(held.order_by(JobRecord.id).with_for_update(read=True))
    return unfinished(session, estimate_jobs(ranking))


def progress(session: Session, ranking: RankingRecord) -> dict[str, Any]:
    """How many of the jobs that it waits for have ended."""
    awaited = estimate_jobs(ranking)
    step = len(awaited) - len(unfinished(session, awaited))
    return {"step": step, "total": len(awaited), "message": "measuring"}


def ordered(
    ranking: RankingRecord, edge_weight: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Items, the highest score first, equal ones by model id; nobody is left out."""
    del edge_weight
    best_first = sorted(ranking.pairs, key=lambda pair: (-pair["score"], pair["model_id"]))
    shared = {"node_similarity": None, "edge_similarity": None, "interval": None}
    return [{"rank": rank, **shared, **pair} for rank, pair in enumerate(best_first, 1)], []
