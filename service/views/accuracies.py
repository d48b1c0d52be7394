"""Wire shapes of measured accuracies."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from pydantic import BaseModel

from service.core.operations.accuracies.accuracies import AccuracyFilter
from service.core.tables import AccuracyRecord, Protocol
from service.views.paging import PageQuery, Words


class AccuracyQuery(PageQuery):
    """Which accuracies to list, newest first; ``model`` and ``dataset`` as they were added."""

    model: Words | None = None
    dataset: Words | None = None

    @property
    def filter(self) -> AccuracyFilter:
        """The filter as the operation takes it."""
        return AccuracyFilter(self.model, self.dataset)


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
        values = {name: getattr(row, name) for name in names}
        return cls(protocol=Protocol(row.protocol), created_at=row.created_at, **values)


class AddedAccuraciesView(BaseModel):
    """The accuracies of a request in its order; ``new`` of them were not known before."""

    items: list[AccuracyView]
    new: int

    @classmethod
    def of(cls, records: Sequence[AccuracyRecord], *, new: int) -> Self:
        """The view of records of which ``new`` were added."""
        return cls(items=[AccuracyView.of(record) for record in records], new=new)
