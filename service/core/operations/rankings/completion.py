"""What rankings of every metric have in common: how they end, and reasons for absence."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.operations.rankings import baselines
from service.core.tables import JobRecord, ModelRecord, RankingRecord, RankingState

NOT_MEASURED = {"code": "not_measured", "detail": "the model could not be measured"}


def complete(
    session: Session,
    ranking: RankingRecord,
    *,
    pairs: list[dict[str, Any]],
    unranked: list[dict[str, Any]],
) -> None:
    """Make a ranking ready, with the baselines of this moment; it never changes afterwards."""
    ranking.pairs, ranking.unranked = pairs, unranked
    ranking.baselines = baselines.of(session, ranking=ranking)
    ranking.state = RankingState.READY
    ranking.error = None
    session.flush()


def names(session: Session, ids: Sequence[str]) -> dict[str, str]:
    """Names of models as they are now; a ranking keeps them."""
    query = select(ModelRecord.id, ModelRecord.name).where(ModelRecord.id.in_(ids))
    return {row.id: row.name for row in session.execute(query)}


def errors(session: Session, candidates: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Why jobs failed that were to measure candidates, by job."""
    ids = [one["job_id"] for one in candidates if one["job_id"] is not None]
    query = select(JobRecord.id, JobRecord.error).where(JobRecord.id.in_(ids))
    return {row.id: row.error or {} for row in session.execute(query)} if ids else {}


def reason(model_id: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """Why a candidate has no place, in the words of ``told`` as far as there are any."""
    return {"model_id": model_id, **{k: told.get(k, NOT_MEASURED[k]) for k in NOT_MEASURED}}
