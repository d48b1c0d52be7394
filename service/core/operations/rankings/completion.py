"""Completion of rankings of every metric, and the reasons why candidates have no rank."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.operations.rankings import baselines, costs
from service.core.operations.rankings.copies import (
    copies_among,
    near_copies_among,
    with_copies,
)
from service.core.tables import JobRecord, ModelRecord, RankingRecord, RankingState

NOT_MEASURED = {"code": "not_measured", "detail": "the model could not be measured"}


def complete(
    session: Session,
    ranking: RankingRecord,
    *,
    pairs: list[dict[str, Any]],
    unranked: list[dict[str, Any]],
) -> None:
    """Make a ranking ready with current costs and baselines; it never changes afterwards."""
    ids = [pair["model_id"] for pair in pairs]
    copies = copies_among(session, project=ranking.project, ids=ids)
    near_copies = near_copies_among(session, project=ranking.project, ids=ids)
    priced = costs.added(session, project=ranking.project, pairs=pairs)
    ranking.pairs, ranking.unranked = with_copies(priced, copies, near_copies), unranked
    ranking.baselines = baselines.of(session, ranking=ranking)
    ranking.state = RankingState.READY
    ranking.error = None
    session.flush()


def add_findings(ranking: RankingRecord, **findings: Any) -> None:
    """Add what is known of the ranking as a whole."""
    ranking.findings = {**(ranking.findings or {}), **findings}


def add_warnings(ranking: RankingRecord, warnings: Sequence[Mapping[str, str]]) -> None:
    """Add what makes the order doubtful, {code, detail, remedy} each."""
    if warnings:
        earlier = (ranking.findings or {}).get("warnings", ())
        add_findings(ranking, warnings=[*earlier, *warnings])


def names(session: Session, *, project: str, ids: Sequence[str]) -> dict[str, str]:
    """Current names of models; a ranking stores them."""
    query = select(ModelRecord.id, ModelRecord.name).where(
        ModelRecord.project == project, ModelRecord.id.in_(ids)
    )
    return {row.id: row.name for row in session.execute(query)}


def errors(session: Session, *, ranking: RankingRecord) -> dict[str, dict[str, Any]]:
    """Errors of failed measurement jobs of a ranking's candidates, by job."""
    ids = [entry["job_id"] for entry in ranking.candidates if entry["job_id"] is not None]
    query = select(JobRecord.id, JobRecord.error).where(
        JobRecord.project == ranking.project, JobRecord.id.in_(ids)
    )
    return {row.id: row.error or {} for row in session.execute(query)} if ids else {}


def reason(model_id: str, error: Mapping[str, Any]) -> dict[str, Any]:
    """Why a candidate has no rank: code and detail of ``error``, or ``not_measured``."""
    return {"model_id": model_id, **{k: error.get(k, NOT_MEASURED[k]) for k in NOT_MEASURED}}
