"""Wire shapes of concept searches."""

from datetime import datetime
from functools import partial
from typing import Literal, Self

from pydantic import BaseModel
from sqlalchemy.orm import Session

from service.core.operations import stored_answers
from service.core.operations.concepts import answers, searches
from service.core.paging import PageTokens
from service.core.tables import ConceptSearchRecord, ConceptSearchState
from service.views.jobs import JobErrorView, JobProgressView
from service.views.paging import ListView, PageQuery, list_view
from service.views.warnings import AnswerWarningView


class FoundUnitView(BaseModel):
    """An output unit that may recognize the concept.

    ``expected_auc`` follows from stored responses. ``auc`` was measured on the images themselves; it
    is null for networks that did not run. Both come with an interval that states 80 %.
    ``class_name`` is null if the network's manifest does not name the class.
    """

    model_id: str
    name: str
    unit: int
    class_name: str | None
    expected_auc: float
    expected_interval: tuple[float, float]
    auc: float | None
    auc_interval: tuple[float, float] | None


class UnsearchedModelView(BaseModel):
    """A candidate that was not searched, and why."""

    model_id: str
    code: str
    detail: str


class ConceptSearchCostView(BaseModel):
    """What the search cost: networks that ran for it, of those whose units it searched.

    ``operations_share`` is the share of the operations that running all of them would take.
    """

    networks_run: int
    networks_searched: int
    operations_share: float | None


class ConceptSearchView(BaseModel):
    """Output units that recognize what a dataset shows, best first.

    While it is pending, ``units`` holds what the first round found. ``reference_ids`` are the networks
    through which the concept was related to the probes, ``checked_ids`` those that ran because
    of their best unit.
    """

    id: str
    state: Literal["pending", "ready", "failed"]
    job_id: str | None
    dataset_id: str
    negatives_id: str | None
    probe_set_id: str
    advice: str | None
    units: list[FoundUnitView]
    searched_units: int | None
    reference_ids: list[str]
    checked_ids: list[str]
    unsearched: list[UnsearchedModelView]
    cost: ConceptSearchCostView
    warnings: list[AnswerWarningView]
    error: JobErrorView | None = None
    progress: JobProgressView | None = None
    created_at: datetime

    @classmethod
    def of(cls, session: Session, record: ConceptSearchRecord) -> Self:
        """The view of a record."""
        return cls(
            **answers.values_of(session, record),
            id=record.id,
            state=record.state,
            job_id=record.job_id,
            dataset_id=record.dataset_id,
            negatives_id=record.negatives_id,
            probe_set_id=record.probe_set_id,
            searched_units=(record.measured or {}).get("searched_units"),
            reference_ids=record.reference_ids,
            checked_ids=record.checked or [],
            unsearched=record.unsearched,
            error=record.error,
            progress=stored_answers.progress(session, record),
            created_at=record.created_at,
        )


class ConceptSearchSummaryView(BaseModel):
    """A search in a list: what was asked, without the units."""

    id: str
    state: Literal["pending", "ready", "failed"]
    job_id: str | None = None
    dataset_id: str
    negatives_id: str | None
    probe_set_id: str
    searched: int
    error: JobErrorView | None = None
    created_at: datetime

    @classmethod
    def of(cls, record: ConceptSearchRecord) -> Self:
        """The view of a record."""
        return cls(
            id=record.id,
            state=record.state,
            job_id=record.job_id,
            dataset_id=record.dataset_id,
            negatives_id=record.negatives_id,
            probe_set_id=record.probe_set_id,
            searched=len(record.searched),
            error=record.error,
            created_at=record.created_at,
        )


class ConceptSearchQuery(PageQuery):
    """Which concept searches to list, newest first."""

    state: ConceptSearchState | None = None

    def page(
        self, session: Session, tokens: PageTokens, *, project: str
    ) -> ListView[ConceptSearchSummaryView]:
        """The page of the project's searches that the query asks for."""
        read = partial(searches.page, session, project=project, state=self.state)
        scope = [project, "concept-searches", self.state]
        return list_view(read, ConceptSearchSummaryView.of, self, tokens=tokens, scope=scope)
