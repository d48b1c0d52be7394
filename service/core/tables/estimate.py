"""Scores of transferability estimators for networks on labeled datasets."""

from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.core.tables.base import Owned, TableRow


class EstimateRecord(Owned, TableRow):
    """All estimators' scores of one network on one labeled dataset.

    ``scores`` has an entry for every estimator, ``reasons`` {code, detail} for every one that is
    null. ``comparable_key`` hashes dataset, settings and method version; ``cache_key`` adds the
    network.
    """

    __tablename__ = "estimates"
    __table_args__ = (
        UniqueConstraint("project", "cache_key"),
        Index("ix_estimates_comparable", "project", "comparable_key", "model_id"),
    )

    model_id: Mapped[str] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"), index=True)
    dataset_id: Mapped[str] = mapped_column(
        ForeignKey("datasets.id", ondelete="CASCADE"), index=True
    )
    cache_key: Mapped[str]
    comparable_key: Mapped[str]
    version: Mapped[int] = mapped_column(Integer)
    settings: Mapped[dict[str, Any]]
    scores: Mapped[dict[str, Any]]
    reasons: Mapped[dict[str, Any]]
    images: Mapped[int]
    job_id: Mapped[str | None]
