"""Wire shapes of measured accuracies."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel

from service.core.tables import AccuracyRecord, Protocol


class AccuracyView(BaseModel):
    """A measured accuracy of a network on a dataset; ``value`` is a share from 0 to 1."""

    id: str
    model: str
    dataset: str
    metric: str
    value: float
    protocol: Protocol
    seed: int | None = None
    source: str
    job_id: str | None = None
    created_at: datetime

    @classmethod
    def of(cls, row: AccuracyRecord) -> Self:
        """The view of a row."""
        names = ("id", "model", "dataset", "metric", "value", "seed", "source", "job_id")
        told = {name: getattr(row, name) for name in names}
        return cls(protocol=Protocol(row.protocol), created_at=row.created_at, **told)


class AddedAccuraciesView(BaseModel):
    """The accuracies of a request in its order; ``new`` of them were not known before."""

    items: list[AccuracyView]
    new: int
