"""Lists of rows: sorted by a column and then by id, searched by words, counted by facets."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, case, func, select, tuple_
from sqlalchemy.orm import Session

from service.core.paging import Page
from service.core.tables.base import Owned

Row = TypeVar("Row", bound=Owned)

NEWEST_FIRST = "-created_at"
_MOST_WORDS = 20
_MOST_VALUES = 100
_MEGABYTE = 1000**2


class SizeClass(StrEnum):
    """Sizes of files, by powers of ten."""

    UP_TO_1_MB = "up_to_1_mb"
    UP_TO_10_MB = "up_to_10_mb"
    UP_TO_100_MB = "up_to_100_mb"
    UP_TO_1_GB = "up_to_1_gb"
    OVER_1_GB = "over_1_gb"


_UPPER_BOUNDS = {
    SizeClass.UP_TO_1_MB: _MEGABYTE,
    SizeClass.UP_TO_10_MB: 10 * _MEGABYTE,
    SizeClass.UP_TO_100_MB: 100 * _MEGABYTE,
    SizeClass.UP_TO_1_GB: 1000 * _MEGABYTE,
}


def size_class(size_bytes: ColumnElement[Any]) -> ColumnElement[Any]:
    """The class of a size in bytes; null for an unknown size."""
    steps = [(size_bytes <= bound, str(name)) for name, bound in _UPPER_BOUNDS.items()]
    return case(*steps, (size_bytes.is_not(None), str(SizeClass.OVER_1_GB)), else_=None)


@dataclass(frozen=True)
class FacetCounts:
    """The most frequent values of one facet, each with the number of rows that have it."""

    name: str
    values: list[tuple[str, int]]


def has_words(text: ColumnElement[str], words: str) -> Iterator[ColumnElement[bool]]:
    """Conditions that every word is a part of the text, in any case."""
    for word in words.lower().split()[:_MOST_WORDS]:
        yield func.strpos(func.lower(text), word) > 0


def sorted_page(
    session: Session,
    query: Select[Row],
    *,
    sort: str,
    columns: Mapping[str, ColumnElement[Any]],
    row_id: ColumnElement[str],
    after: str | None,
    limit: int,
) -> Page[Row]:
    """The rows of a query, sorted by a column and then by id.

    Args:
        session: The transaction.
        query: Selects the rows.
        sort: Name of a column, with ``-`` in front for the largest value first.
        columns: Columns by name, none of them null. ``created_at`` is not among them: ids sort by it.
        row_id: The rows' id.
        after: What ``Page`` returned for the last row of the previous page; None for the first page.
        limit: Maximum number of rows.
    """
    keys = [*([columns[name]] if (name := sort.removeprefix("-")) in columns else []), row_id]
    if after is not None:
        last = tuple_(*json.loads(after))
        query = query.where(tuple_(*keys) < last if sort[0] == "-" else tuple_(*keys) > last)
    order = [key.desc() if sort[0] == "-" else key.asc() for key in keys]
    labels = [key.label(f"sort_key_{index}") for index, key in enumerate(keys)]
    rows = session.execute(query.add_columns(*labels).order_by(*order).limit(limit + 1)).all()
    shown: Sequence[Any] = rows[:limit]
    cursors = [json.dumps(list(row)[1:], ensure_ascii=False) for row in shown]
    return Page([row[0] for row in shown], cursors, len(rows) > limit)


def total(session: Session, query: Select[Any]) -> int:
    """The number of rows that a query selects."""
    return session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0


def facet_counts(
    session: Session,
    matching: Callable[[Any], Select[Any]],
    where: Any,
    columns: Mapping[str, ColumnElement[Any]],
) -> list[FacetCounts]:
    """The counts of every facet, over the rows that match all of a filter but that facet's field.

    So a facet keeps its other values when one of them is chosen.

    Args:
        session: The transaction.
        matching: Makes the query of a filter.
        where: The filter, a dataclass with a field for each facet.
        columns: The values of a row by facet.
    """
    return [
        FacetCounts(name, _values(session, matching(replace(where, **{name: None})), column))
        for name, column in columns.items()
    ]


def _values(
    session: Session, query: Select[Any], column: ColumnElement[Any]
) -> list[tuple[str, int]]:
    """The most frequent values of a column and their counts."""
    values = query.with_only_columns(column.label("value")).subquery()
    count = func.count()
    counts = (
        select(values.c.value, count)
        .where(values.c.value.is_not(None))
        .group_by(values.c.value)
        .order_by(count.desc(), values.c.value)
        .limit(_MOST_VALUES)
    )
    return [(str(value), number) for value, number in session.execute(counts)]
