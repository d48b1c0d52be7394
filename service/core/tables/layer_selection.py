"""Layer selections: the layer of a source network on which to build a target."""

from enum import StrEnum
from typing import Any

from sqlalchemy import Double, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.core.tables.base import Owned, TableRow


class LayerSelectionState(StrEnum):
    """``pending`` until its job finishes, then ``ready`` or ``failed``."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


class LayerSelectionRecord(Owned, TableRow):
    """Every candidate layer of a source network against a target.

    ``candidates`` names the layers asked about, ``layers`` holds the parts of each, from which the
    choice for any edge weight follows. ``cache_key`` hashes everything that decides the parts;
    ``settings`` are those of the comparison, ``measured`` says how it went, and
    ``effective_probes`` is the number of different images.
    """

    __tablename__ = "layer_selections"
    __table_args__ = (
        Index("ix_layer_selections_cache_key", "project", "cache_key", "id"),
        Index("ix_layer_selections_project_id", "project", "id"),
    )

    state: Mapped[str] = mapped_column(default=LayerSelectionState.PENDING)
    cache_key: Mapped[str]
    source_model_id: Mapped[str] = mapped_column(
        ForeignKey("models.id", ondelete="CASCADE"), index=True
    )
    target_model_id: Mapped[str] = mapped_column(
        ForeignKey("models.id", ondelete="CASCADE"), index=True
    )
    dataset_id: Mapped[str] = mapped_column(
        ForeignKey("datasets.id", ondelete="CASCADE"), index=True
    )
    target_layer: Mapped[str]
    candidates: Mapped[list[Any]] = mapped_column(JSONB)
    settings: Mapped[dict[str, Any]]
    layers: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    measured: Mapped[dict[str, Any] | None]
    effective_probes: Mapped[float | None] = mapped_column(Double)
    error: Mapped[dict[str, Any] | None]
    job_id: Mapped[str | None]
