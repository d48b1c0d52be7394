"""Wire shapes of jobs, events, artifacts and methods."""

from datetime import datetime
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from service.core.operations.jobs import jobs
from service.core.paging import PageTokens
from service.core.tables import JobState
from service.views.paging import ListView, PageQuery, RecordView, list_view

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class JobQuery(PageQuery):
    """Which jobs to list, newest first."""

    state: JobState | None = None
    method: str | None = Field(None, max_length=100, pattern=r"^[a-z_]+$")

    def page(self, session: Session, tokens: PageTokens, *, project: str) -> ListView["JobView"]:
        """The page of the project's jobs that the query asks for."""
        read = partial(jobs.page, session, project=project, state=self.state, method=self.method)
        scope = [project, "jobs", self.state, self.method]
        return list_view(read, JobView.of, self, tokens=tokens, scope=scope)


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
    """A method of the catalog, with JSON schemas of its inputs and parameters."""

    name: str
    title: str
    family: str
    version: int
    source: str
    inputs: dict[str, Any]
    params: dict[str, Any]
    result: str
