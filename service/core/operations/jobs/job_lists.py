"""Lists of jobs: searched, filtered, sorted and counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, cast, func, select
from sqlalchemy.orm import Session

from service.core.operations import lists
from service.core.operations.lists import FacetCounts
from service.core.paging import Page
from service.core.tables import JobRecord


@dataclass(frozen=True)
class JobFilter:
    """A filter for jobs; None does not restrict.

    ``q`` holds words, each of them a part of the id, the method, the inputs or the error.
    """

    state: str | None = None
    method: str | None = None
    q: str | None = None


_SEARCHED = func.concat_ws(
    " ",
    JobRecord.id,
    JobRecord.method,
    cast(JobRecord.inputs, Text),
    cast(JobRecord.error, Text),
)
_SORTED: Mapping[str, ColumnElement[Any]] = {
    "method": JobRecord.method.expression,
    "state": JobRecord.state.expression,
}
_FACETS: Mapping[str, ColumnElement[Any]] = {
    "state": JobRecord.state.expression,
    "method": JobRecord.method.expression,
}


def page(
    session: Session,
    *,
    project: str,
    where: JobFilter,
    after: str | None,
    limit: int,
    sort: str = lists.NEWEST_FIRST,
) -> Page[JobRecord]:
    """Jobs of the project, by default newest first."""
    return lists.sorted_page(
        session,
        _matching(project, where),
        sort=sort,
        columns=_SORTED,
        row_id=JobRecord.id.expression,
        after=after,
        limit=limit,
    )


def total(session: Session, *, project: str, where: JobFilter) -> int:
    """The number of jobs that match a filter."""
    return lists.total(session, _matching(project, where))


def facets(session: Session, *, project: str, where: JobFilter) -> list[FacetCounts]:
    """The matching jobs by state and method."""
    return lists.facet_counts(session, partial(_matching, project), where, _FACETS)


def _matching(project: str, where: JobFilter) -> Select[JobRecord]:
    query = select(JobRecord).where(JobRecord.project == project)
    if where.state is not None:
        query = query.where(JobRecord.state == where.state)
    if where.method is not None:
        query = query.where(JobRecord.method == where.method)
    if where.q is not None:
        query = query.where(*lists.has_words(_SEARCHED, where.q))
    return query
