"""Names of networks: the last version of each, and aliases of versions."""

from typing import Any

from sqlalchemy import ForeignKey, Integer, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Mapped, aliased, column_property, mapped_column

from service.core.tables.base import TableRow
from service.core.tables.model import ModelRecord

RELATED = "related"
"""The group of a model's columns that are read from other rows."""


class ModelNameRecord(TableRow):
    """A name that networks of a project have or had; the next one gets ``last_version`` + 1."""

    __tablename__ = "model_names"

    project: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    last_version: Mapped[int] = mapped_column(Integer)


class ModelAliasRecord(TableRow):
    """An alias such as ``prod`` of one version of a name; it moves to another when set again."""

    __tablename__ = "model_aliases"

    project: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    alias: Mapped[str] = mapped_column(primary_key=True)
    model_id: Mapped[str] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"), index=True)


def _listed(column: Any, *conditions: Any) -> Any:
    """A column of the rows that fulfill the conditions, in order; null without any."""
    values = func.array_agg(aggregate_order_by(column, column))
    return select(values).where(*conditions).correlate(ModelRecord).scalar_subquery()


_other = aliased(ModelRecord)
ModelRecord.aliases = column_property(
    _listed(ModelAliasRecord.alias, ModelAliasRecord.model_id == ModelRecord.id),
    deferred=True,
    group=RELATED,
)
ModelRecord.same_weights_as = column_property(
    _listed(
        _other.id,
        _other.project == ModelRecord.project,
        _other.weights_sha256 == ModelRecord.weights_sha256,
        _other.id != ModelRecord.id,
    ),
    deferred=True,
    group=RELATED,
)
