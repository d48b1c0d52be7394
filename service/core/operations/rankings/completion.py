"""Completion of rankings of every metric, and the reasons why candidates have no rank."""

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
    """Make a ranking ready with the current baselines; it never changes afterwards."""
    ranking.pairs, ranking.unranked = pairs, unranked
    ranking.baselines = baselines.of(session, ranking=ranking)
    ranking.state = RankingState.READY
    ranking.error = None
    session.flush()


def names(session: Session, ids: Sequence[str]) -> dict[str, str]:
    """Current names of models; a ranking stores them."""
    query = select(ModelRecord.id, ModelRecord.name).where(ModelRecord.id.in_(ids))
    return {row.id: row.name for row in session.execute(query)}


def errors(session: Session, candidates: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Errors of failed measurement jobs of candidates, by job."""
    ids = [entry["job_id"] for entry in candidates if entry["job_id"] is not None]
    query = select(JobRecord.id, JobRecord.error).where(JobRecord.id.in_(ids))
    return {row.id: row.error or {} for row in session.execute(query)} if ids else {}


def reason(model_id: str, error: Mapping[str, Any]) -> dict[str, Any]:
    """Why a candidate has no rank: code and detail of ``error``, or ``not_measured``."""
    return {"model_id": model_id, **{k: error.get(k, NOT_MEASURED[k]) for k in NOT_MEASURED}}
