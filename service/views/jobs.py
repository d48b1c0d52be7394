"""Wire shapes of jobs, events, artifacts and methods."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel

from service.core.tables import ArtifactRecord, JobEventRecord, JobRecord

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class ProgressView(BaseModel):
    """How far a job is: `step` of `total`, which is 0 where it is not known.

    A training with a budget of seconds counts those.
    """

    step: int = 0
    total: int = 0
    message: str = ""


class JobErrorView(BaseModel):
    """Why a job failed, and what to do about it."""

    code: str = "failed"
    detail: str = ""
    remedy: str | None = None


class JobView(BaseModel):
    """One asynchronous run of a method."""

    id: str
    method: str
    state: State
    progress: ProgressView
    params: dict[str, Any]
    inputs: dict[str, Any]
    result: dict[str, Any] | None = None
    error: JobErrorView | None = None
    attempts: int
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @classmethod
    def of(cls, record: JobRecord) -> Self:
        """The view of a record."""
        return cls(
            id=record.id,
            method=record.method,
            state=record.state,
            progress=ProgressView.model_validate(record.progress),
            params=record.params,
            inputs=record.inputs,
            result=record.result,
            error=None if record.error is None else JobErrorView.model_validate(record.error),
            attempts=record.attempts,
            created_at=record.created_at,
            started_at=record.started_at,
            finished_at=record.finished_at,
        )


class EventView(BaseModel):
    """Something that happened to a job; ``seq`` counts from 1 without gaps."""

    seq: int
    at: datetime
    type: str
    data: dict[str, Any]

    @classmethod
    def of(cls, record: JobEventRecord) -> Self:
        """The view of a record."""
        return cls(seq=record.seq, at=record.at, type=record.type, data=record.data)


class ArtifactView(BaseModel):
    """A file that a job produced."""

    id: str
    job_id: str
    name: str
    media_type: str
    sha256: str
    size_bytes: int
    created_at: datetime

    @classmethod
    def of(cls, record: ArtifactRecord) -> Self:
        """The view of a record."""
        return cls(
            id=record.id,
            job_id=record.job_id,
            name=record.name,
            media_type=record.media_type,
            sha256=record.sha256,
            size_bytes=record.size_bytes,
            created_at=record.created_at,
        )


class MethodView(BaseModel):
    """A method of the catalogue, with JSON schemas of what it takes."""

    name: str
    title: str
    family: str
    version: int
    source: str
    inputs: dict[str, Any]
    params: dict[str, Any]
    result: str
