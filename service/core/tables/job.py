"""Jobs: the row is authoritative; queues only carry notifications."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Text,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.core.tables.base import Owned, TableRow

TAUGHT_BY: ColumnElement[Any] = literal_column("(inputs -> 'teachers')", JSONB)
"""Ids of the networks that a job learns from."""
SHARED_FIRST_STAGE: ColumnElement[Any] = literal_column("(inputs ->> 'first_stage')", Text)
"""Id of the cascade whose first stage a training shares."""
TRANSFERRED_FROM: ColumnElement[Any] = literal_column("(inputs ->> 'source_model_id')", Text)
"""Id of the network that a job fine-tunes or probes."""
STARTED_FROM: ColumnElement[Any] = literal_column("(params #>> '{student,init}')", Text)
"""Id of the network whose weights a student starts from."""
MODEL_MADE: ColumnElement[Any] = literal_column("(result ->> 'model_id')", Text)
"""Id of the network that a job produced or measured."""


class JobState(StrEnum):
    """``queued → running → succeeded | failed | cancelled``; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL_STATES = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class JobRecord(Owned, TableRow):
    """One asynchronous run of a method.

    ``fence`` grows with every claim; only the holder of the current one may change the row.
    ``cache_key`` is unique among active jobs, so that identical submissions share one.
    ``announced_at`` is the outbox: None until the current state has been announced.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index(
            "ix_jobs_queue", text("priority DESC"), "id", postgresql_where=text("state = 'queued'")
        ),
        Index(
            "ix_jobs_queue_of_project",
            "project",
            text("priority DESC"),
            "id",
            postgresql_where=text("state = 'queued'"),
        ),
        Index("ix_jobs_lease", "lease_until", postgresql_where=text("state = 'running'")),
        Index(
            "uq_jobs_active_cache_key",
            "project",
            "cache_key",
            unique=True,
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
        Index(
            "ix_jobs_results",
            "project",
            "cache_key",
            postgresql_where=text("state = 'succeeded'"),
        ),
        Index(
            "ix_jobs_failures",
            "project",
            "cache_key",
            postgresql_where=text("state = 'failed'"),
        ),
        Index("ix_jobs_project_id", "project", "id"),
        Index(
            "ix_jobs_project_active",
            "project",
            "state",
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
        Index("ix_jobs_teachers", TAUGHT_BY, postgresql_using="gin"),
        Index("ix_jobs_source", TRANSFERRED_FROM),
        Index("ix_jobs_start", STARTED_FROM),
        Index("ix_jobs_first_stage", SHARED_FIRST_STAGE),
        Index("ix_jobs_model_made", MODEL_MADE),
    )

    method: Mapped[str]
    method_version: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(default=JobState.QUEUED)
    queue: Mapped[str] = mapped_column(default="cpu")
    priority: Mapped[int] = mapped_column(SmallInteger, default=0)
    params: Mapped[dict[str, Any]]
    inputs: Mapped[dict[str, Any]]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    progress: Mapped[dict[str, Any]]
    cache_key: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    max_attempts: Mapped[int] = mapped_column(Integer, default=3)
    fence: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    available_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    deadline_at: Mapped[datetime | None]
    announced_at: Mapped[datetime | None]
    checkpoint_sha256: Mapped[str | None]
    trace_id: Mapped[str | None]
    parent_span_id: Mapped[str | None]
    events: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class JobDependencyRecord(TableRow):
    """``job_id`` cannot be claimed before ``depends_on`` is final."""

    __tablename__ = "job_dependencies"

    job_id: Mapped[str] = mapped_column(
        ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True
    )
    depends_on: Mapped[str] = mapped_column(
        ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class JobRunRecord(TableRow):
    """The time that one attempt of a job ran; ``ended_at`` is None while it does."""

    __tablename__ = "job_runs"
    __table_args__ = (
        Index("ix_job_runs_project", "project", "ended_at"),
        Index("ix_job_runs_open", "job_id", postgresql_where=text("ended_at IS NULL")),
    )

    job_id: Mapped[str] = mapped_column(
        ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True
    )
    fence: Mapped[int] = mapped_column(primary_key=True)
    project: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    ended_at: Mapped[datetime | None]


class JobEventRecord(TableRow):
    """An event of a job; ``seq`` counts from 1 without gaps."""

    __tablename__ = "job_events"

    job_id: Mapped[str] = mapped_column(
        ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True
    )
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    type: Mapped[str]
    data: Mapped[dict[str, Any]]


class ArtifactRecord(Owned, TableRow):
    """A stored file that a job produced.

    ``cache_key`` is set for files that are looked up by content: equal keys promise equal files.
    """

    __tablename__ = "artifacts"
    __table_args__ = (
        Index(
            "ix_artifacts_cache_key",
            "project",
            "cache_key",
            postgresql_where=text("cache_key IS NOT NULL"),
        ),
    )

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    media_type: Mapped[str]
    sha256: Mapped[str]
    size_bytes: Mapped[int]
    cache_key: Mapped[str | None]
