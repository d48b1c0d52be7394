"""Wire shapes of measured accuracies."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Self

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from service.core.operations.accuracies import accuracies
from service.core.operations.accuracies.accuracies import AccuracyFilter
from service.core.paging import PageTokens
from service.core.tables import AccuracyRecord, Protocol
from service.views.paging import ListView, PageQuery, RecordView, Words, list_view

Recorded = Annotated[Words | None, Field(description="Id or name, as recorded.")]


class AccuracyQuery(PageQuery):
    """Which accuracies to list, newest first; ``model`` and ``dataset`` as they were added."""

    model: Recorded = None
    dataset: Recorded = None

    def page(
        self, session: Session, tokens: PageTokens, *, project: str
    ) -> ListView["AccuracyView"]:
        """The page of the project's accuracies that the query asks for."""
        where = AccuracyFilter(self.model, self.dataset)
        read = partial(accuracies.page, session, project=project, where=where)
        scope = [project, "accuracies", self.model, self.dataset]
        return list_view(read, AccuracyView.of, self, tokens=tokens, scope=scope)


class AccuracyView(RecordView):
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


class AddedAccuraciesView(BaseModel):
    """The accuracies of a request in its order; ``new`` of them were not known before."""

    items: list[AccuracyView]
    new: int

    @classmethod
    def of(cls, records: Sequence[AccuracyRecord], *, new: int) -> Self:
        """The view of records of which ``new`` were added."""
        return cls(items=[AccuracyView.of(record) for record in records], new=new)
