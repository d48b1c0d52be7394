"""Measured accuracies of networks, from the zoo and from elsewhere."""

from enum import StrEnum

from sqlalchemy import Double, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.core.tables.base import Owned, TableRow


class Protocol(StrEnum):
    """How a network was adapted to the dataset before its accuracy was measured."""

    FINE_TUNE = "fine_tune"
    LINEAR_PROBE = "linear_probe"
    ZERO_SHOT = "zero_shot"
    OTHER = "other"


class AccuracyRecord(Owned, TableRow):
    """One measured accuracy of one network on one dataset, a share from 0 to 1.

    ``model`` and ``dataset`` are ids of the zoo, or names of networks and datasets outside it.
    ``identity`` hashes everything except the value: one measurement has one value.
    """

    __tablename__ = "accuracies"
    __table_args__ = (
        UniqueConstraint("project", "identity"),
        Index("ix_accuracies_project_id", "project", "id"),
        Index("ix_accuracies_model", "project", "model"),
        Index("ix_accuracies_dataset", "project", "dataset"),
    )

    model: Mapped[str]
    dataset: Mapped[str]
    metric: Mapped[str]
    value: Mapped[float] = mapped_column(Double)
    protocol: Mapped[str]
    seed: Mapped[int | None]
    source: Mapped[str]
    identity: Mapped[str]
    job_id: Mapped[str | None]
