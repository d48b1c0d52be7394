"""Lists of models: searched, filtered, sorted and counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, defer, undefer_group

from service.core.operations import lists
from service.core.operations.lists import FacetCounts, size_class
from service.core.paging import Page
from service.core.tables import ModelRecord
from service.core.tables.model_name import RELATED


@dataclass(frozen=True)
class ModelFilter:
    """A filter for models; None does not restrict.

    ``name`` matches any part of a name; ``q`` holds words, each of them a part of the name, the id,
    the tags, the task, the architecture, the source or the training data. ``ids`` are the only models
    that the list can contain, if there are any.
    """

    state: str | None = None
    task: str | None = None
    tag: str | None = None
    name: str | None = None
    q: str | None = None
    size: str | None = None
    ids: tuple[str, ...] = ()


_SEARCHED = func.concat_ws(
    " ",
    ModelRecord.name,
    ModelRecord.id,
    ModelRecord.task_kind,
    func.array_to_string(ModelRecord.tags, " "),
    ModelRecord.manifest[("architecture", "name")].astext,
    ModelRecord.manifest["source"].astext,
    ModelRecord.manifest["trained_on"].astext,
)
_SORTED: Mapping[str, ColumnElement[Any]] = {
    "name": func.lower(ModelRecord.name),
    "size": func.coalesce(ModelRecord.upload_bytes, 0),
    "parameters": func.coalesce(ModelRecord.parameters, 0),
}
_FACETS: Mapping[str, ColumnElement[Any]] = {
    "state": ModelRecord.state.expression,
    "task": ModelRecord.task_kind.expression,
    "tag": func.unnest(ModelRecord.tags),
    "size": size_class(ModelRecord.upload_bytes.expression),
}


def page(
    session: Session,
    *,
    project: str,
    where: ModelFilter,
    after: str | None,
    limit: int,
    sort: str = lists.NEWEST_FIRST,
) -> Page[ModelRecord]:
    """Models of the project, by default newest first."""
    return lists.sorted_page(
        session,
        matching(project, where).options(undefer_group(RELATED)),
        sort=sort,
        columns=_SORTED,
        row_id=ModelRecord.id.expression,
        after=after,
        limit=limit,
    )


def total(session: Session, *, project: str, where: ModelFilter) -> int:
    """The number of models that match a filter."""
    return lists.total(session, _matching(project, where))


def facets(session: Session, *, project: str, where: ModelFilter) -> list[FacetCounts]:
    """The matching models by state, task, tag and size."""
    return lists.facet_counts(session, partial(_matching, project), where, _FACETS)


def matching(project: str, where: ModelFilter) -> Select[ModelRecord]:
    """The query for the models that match a filter, without their layers."""
    return _matching(project, where).options(defer(ModelRecord.layers))


def _matching(project: str, where: ModelFilter) -> Select[ModelRecord]:
    query = select(ModelRecord).where(ModelRecord.project == project)
    if where.state is not None:
        query = query.where(ModelRecord.state == where.state)
    if where.task is not None:
        query = query.where(ModelRecord.task_kind == where.task)
    if where.tag is not None:
        query = query.where(ModelRecord.tags.contains([where.tag]))
    if where.name is not None:
        query = query.where(func.strpos(func.lower(ModelRecord.name), where.name.lower()) > 0)
    if where.q is not None:
        query = query.where(*lists.has_words(_SEARCHED, where.q))
    if where.size is not None:
        query = query.where(size_class(ModelRecord.upload_bytes.expression) == where.size)
    if where.ids:
        query = query.where(ModelRecord.id.in_(where.ids))
    return query
