"""Sketches of weights, and the relatives that they reveal."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from service.core.tables.base import TableRow


class WeightSketchRecord(TableRow):
    """The weights of a network as a sketch.

    ``weights`` holds a few numbers and a sample of each tensor with two or more axes, in the order of
    execution, and ``others`` counts all other tensors. Networks can be related only if they share one
    of their ``trunk_keys``.
    """

    __tablename__ = "weight_sketches"
    __table_args__ = (
        Index("ix_weight_sketches_trunk_keys", "trunk_keys", postgresql_using="gin"),
    )

    model_id: Mapped[str] = mapped_column(
        ForeignKey("models.id", ondelete="CASCADE"), primary_key=True
    )
    project: Mapped[str]
    trunk_keys: Mapped[list[str]] = mapped_column(ARRAY(Text))
    weights: Mapped[list[Any]]
    others: Mapped[int]


class RelativeRecord(TableRow):
    """Two related networks, once: ``first_id`` was checked before ``second_id``.

    ``ancestor_id`` is the one that the other was made from, as far as the weights show it, and
    ``reason`` says why. ``near`` networks compute the same up to rounding. A person's confirmation
    names the ancestor in ``confirmed_ancestor_id``.
    """

    __tablename__ = "relatives"

    first_id: Mapped[str] = mapped_column(
        ForeignKey("models.id", ondelete="CASCADE"), primary_key=True
    )
    second_id: Mapped[str] = mapped_column(
        ForeignKey("models.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    project: Mapped[str]
    relation: Mapped[str]
    ancestor_id: Mapped[str | None]
    reason: Mapped[str]
    near: Mapped[bool]
    evidence: Mapped[dict[str, Any]]
    confirmed_ancestor_id: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]
