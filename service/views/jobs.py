"""Wire shapes of jobs, events, artifacts and methods."""

from datetime import datetime
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from service.core.catalog.method_spec import METHOD_NAME
from service.core.manifest import DatasetKind
from service.core.operations.jobs import job_lists
from service.core.operations.jobs.job_lists import JobFilter
from service.core.paging import PageTokens
from service.core.tables import JobState
from service.views.paging import (
    SORT_DESCRIPTION,
    CountedListView,
    CountedQuery,
    ListCounters,
    RecordView,
    counted_list_view,
    list_view,
)

JobSort = Literal["created_at", "-created_at", "method", "-method", "state", "-state"]

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class JobQuery(CountedQuery):
    """Which jobs to list, newest first."""

    state: JobState | None = None
    method: str | None = Field(None, max_length=100, pattern=METHOD_NAME)
    sort: JobSort = Field("-created_at", description=SORT_DESCRIPTION)

    @property
    def where(self) -> JobFilter:
        """The filter as the operation takes it."""
        return JobFilter(self.state, self.method, self.q)

    def page(
        self, session: Session, tokens: PageTokens, *, project: str
    ) -> CountedListView["JobView"]:
        """The page of the project's jobs that the query asks for."""
        where = self.where
        read = partial(job_lists.page, session, project=project, where=where, sort=self.sort)
        scope = [project, "jobs", self.sort, *vars(where).values()]
        return counted_list_view(
            list_view(read, JobView.of, self, tokens=tokens, scope=scope),
            self,
            ListCounters(
                partial(job_lists.total, session, project=project, where=where),
                partial(job_lists.facets, session, project=project, where=where),
            ),
        )


class JobProgressView(BaseModel):
    """Progress of a job: `step` of `total`, which is 0 if it is unknown.

    A training with a budget of seconds counts seconds.
    """

    step: int = 0
    total: int = 0
    message: str = ""


class JobErrorView(BaseModel):
    """Why a job failed, and what to do about it."""

    code: str = "failed"
    detail: str = ""
    remedy: str | None = None


class JobView(RecordView):
    """One asynchronous run of a method."""

    id: str
    method: str
    state: State
    progress: JobProgressView
    params: dict[str, Any]
    inputs: dict[str, Any]
    result: dict[str, Any] | None = None
    error: JobErrorView | None = None
    attempts: int
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None


class JobEventView(RecordView):
    """Something that happened to a job; ``seq`` counts from 1 without gaps."""

    seq: int
    at: datetime
    type: str
    data: dict[str, Any]


class ArtifactView(RecordView):
    """A file that a job produced."""

    id: str
    job_id: str
    name: str
    media_type: str
    sha256: str
    size_bytes: int
    created_at: datetime


class MethodView(BaseModel):
    """A method of the catalog, with JSON schemas of its inputs and parameters.

    ``dataset_kinds`` says what the datasets that it takes may hold.
    """

    name: str
    title: str
    family: str
    version: int
    source: str
    inputs: dict[str, Any]
    params: dict[str, Any]
    result: str
    dataset_kinds: list[DatasetKind]
