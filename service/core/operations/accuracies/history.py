"""The recorded accuracies as one table of networks and datasets.

A name that exactly one network or dataset of the zoo has refers to it, whenever it was uploaded: you
can import a table before its networks. Accuracies of one dataset under different
protocols are different columns; several runs of one cell are averaged.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Subquery, and_, any_, case, func, or_, select
from sqlalchemy.orm import Session

from service.core.tables import (
    AccuracyRecord,
    DatasetRecord,
    DatasetState,
    ModelRecord,
    ModelState,
)

_SMALLEST_SPREAD = 1e-9


@dataclass(frozen=True)
class Cell:
    """Mean accuracy of a network on a dataset under one protocol, a share from 0 to 1."""

    model: str
    dataset: str
    protocol: str
    value: float


def cells(session: Session, *, project: str, protocol: str | None = None) -> list[Cell]:
    """All recorded cells in a fixed order, for all protocols or for one."""
    table = _table(project, protocol)
    order = select(table).order_by(table.c.model, table.c.dataset, table.c.protocol)
    return [
        Cell(row.model, row.dataset, row.protocol, row.value) for row in session.execute(order)
    ]


def static_list(
    session: Session, *, project: str, without: str | None, protocol: str | None = None
) -> dict[str, float]:
    """Mean standardized accuracy over the recorded datasets except one, by network.

    Every column is centered and divided by its standard deviation; a constant column becomes 0.
    """
    table = _table(project, protocol)
    column = (table.c.dataset, table.c.protocol)
    spread = func.stddev_pop(table.c.value).over(partition_by=column)
    centered = table.c.value - func.avg(table.c.value).over(partition_by=column)
    z = case((spread > _SMALLEST_SPREAD, centered / spread), else_=0.0).label("z")
    standard = select(table.c.model, z).where(table.c.dataset != (without or "")).subquery()
    query = select(standard.c.model, func.avg(standard.c.z)).group_by(standard.c.model)
    return {model: float(value) for model, value in session.execute(query)}


def upstream_accuracies(
    session: Session, *, project: str, without: str | None = None
) -> dict[str, float]:
    """Recorded accuracy of each model on the dataset that its manifest names in ``trained_on``."""
    table = _table(project, None)
    trained_on = ModelRecord.manifest["trained_on"].astext
    query = (
        select(ModelRecord.id, func.avg(table.c.value))
        .join(table, table.c.model == ModelRecord.id)
        .where(
            ModelRecord.project == project,
            or_(table.c.dataset == trained_on, trained_on == any_(table.c.names)),
            table.c.dataset != (without or ""),
        )
        .group_by(ModelRecord.id)
    )
    return {model: float(value) for model, value in session.execute(query)}


def _table(project: str, protocol: str | None) -> Subquery:
    """Rows of model, dataset, protocol, value, and the names recorded for the dataset."""
    models = _unique_names(ModelRecord, project, ModelState.READY)
    sets = _unique_names(DatasetRecord, project, DatasetState.READY)
    model = func.coalesce(models.c.id, AccuracyRecord.model).label("model")
    dataset = func.coalesce(sets.c.id, AccuracyRecord.dataset).label("dataset")
    query = (
        select(
            model,
            dataset,
            AccuracyRecord.protocol,
            func.avg(AccuracyRecord.value).label("value"),
            func.array_agg(AccuracyRecord.dataset).label("names"),
        )
        .outerjoin(models, models.c.name == AccuracyRecord.model)
        .outerjoin(sets, sets.c.name == AccuracyRecord.dataset)
        .where(AccuracyRecord.project == project)
        .group_by(model, dataset, AccuracyRecord.protocol)
    )
    return _of_protocol(query, protocol).subquery()


def _of_protocol(query: Select[Any], protocol: str | None) -> Select[Any]:
    return query if protocol is None else query.where(AccuracyRecord.protocol == protocol)


def _unique_names(kind: Any, project: str, state: str) -> Subquery:
    """Names that exactly one row of the project has, with its id."""
    return (
        select(kind.name, func.min(kind.id).label("id"))
        .where(and_(kind.project == project, kind.state == state))
        .group_by(kind.name)
        .having(func.count() == 1)
        .subquery()
    )
