"""Lists of datasets: searched, filtered, sorted and counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from service.core.operations import lists
from service.core.operations.lists import FacetCounts, size_class
from service.core.paging import Page
from service.core.tables import DatasetRecord


@dataclass(frozen=True)
class DatasetFilter:
    """A filter for datasets; None does not restrict.

    ``name`` matches any part of a name; ``q`` holds words, each of them a part of the name, the id,
    the tags, the labels or the license.
    """

    state: str | None = None
    name: str | None = None
    q: str | None = None
    tag: str | None = None
    size: str | None = None
    kind: str | None = None


_TAGS = func.coalesce(DatasetRecord.manifest["tags"], cast([], JSONB))
_SEARCHED = func.concat_ws(
    " ",
    DatasetRecord.name,
    DatasetRecord.id,
    _TAGS,
    func.array_to_string(DatasetRecord.labels, " "),
    DatasetRecord.manifest["license"].astext,
)
_SORTED: Mapping[str, ColumnElement[Any]] = {
    "name": func.lower(DatasetRecord.name),
    "size": DatasetRecord.upload_bytes.expression,
    "images": func.coalesce(DatasetRecord.images, 0),
}
_FACETS: Mapping[str, ColumnElement[Any]] = {
    "state": DatasetRecord.state.expression,
    "kind": DatasetRecord.kind.expression,
    "tag": func.jsonb_array_elements_text(_TAGS),
    "size": size_class(DatasetRecord.upload_bytes.expression),
}


def page(
    session: Session,
    *,
    project: str,
    where: DatasetFilter,
    after: str | None,
    limit: int,
    sort: str = lists.NEWEST_FIRST,
) -> Page[DatasetRecord]:
    """Datasets of the project, by default newest first."""
    return lists.sorted_page(
        session,
        _matching(project, where),
        sort=sort,
        columns=_SORTED,
        row_id=DatasetRecord.id.expression,
        after=after,
        limit=limit,
    )


def total(session: Session, *, project: str, where: DatasetFilter) -> int:
    """The number of datasets that match a filter."""
    return lists.total(session, _matching(project, where))


def facets(session: Session, *, project: str, where: DatasetFilter) -> list[FacetCounts]:
    """The matching datasets by state, kind, tag and size."""
    return lists.facet_counts(session, partial(_matching, project), where, _FACETS)


def _matching(project: str, where: DatasetFilter) -> Select[DatasetRecord]:
    query = select(DatasetRecord).where(DatasetRecord.project == project)
    if where.state is not None:
        query = query.where(DatasetRecord.state == where.state)
    if where.name is not None:
        query = query.where(func.strpos(func.lower(DatasetRecord.name), where.name.lower()) > 0)
    if where.q is not None:
        query = query.where(*lists.has_words(_SEARCHED, where.q))
    if where.tag is not None:
        query = query.where(DatasetRecord.manifest["tags"].contains([where.tag]))
    if where.kind is not None:
        query = query.where(DatasetRecord.kind == where.kind)
    if where.size is not None:
        query = query.where(size_class(DatasetRecord.upload_bytes.expression) == where.size)
    return query
