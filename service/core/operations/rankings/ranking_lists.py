"""Lists of rankings, without their scores."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from service.core.paging import Page, page_of
from service.core.tables import RankingRecord


@dataclass(frozen=True)
class RankingFilter:
    """A filter for rankings; None does not restrict."""

    state: str | None = None
    metric: str | None = None


def page(
    session: Session, *, project: str, where: RankingFilter, after: str | None, limit: int
) -> Page[RankingRecord]:
    """Rankings of the project, newest first, without what their order follows from."""
    query = select(RankingRecord).where(RankingRecord.project == project)
    if where.state is not None:
        query = query.where(RankingRecord.state == where.state)
    if where.metric is not None:
        query = query.where(RankingRecord.metric == where.metric)
    if after is not None:
        query = query.where(RankingRecord.id < after)
    large = (RankingRecord.pairs, RankingRecord.unranked, RankingRecord.baselines)
    query = query.options(*(defer(column) for column in large))
    rows = session.scalars(query.order_by(RankingRecord.id.desc()).limit(limit + 1)).all()
    return page_of(list(rows), limit=limit)
