"""Networks of the zoo."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Index, Integer, Text, func, literal_column
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.core.tables.base import Owned, TableRow

TEACHERS: ColumnElement[Any] = literal_column("(lineage -> 'teachers')", JSONB)
"""Ids of the networks that a network learned from."""
SOURCE: ColumnElement[Any] = literal_column("(lineage ->> 'source_model_id')", Text)
"""Id of the network that a network was fine-tuned or probed from."""
START: ColumnElement[Any] = literal_column("(lineage #>> '{params,student,init}')", Text)
"""Id of the network whose weights a network started from."""


class ModelState(StrEnum):
    """``uploaded → checking → ready | rejected``; ``pending`` for one that a job will make."""

    PENDING = "pending"
    UPLOADED = "uploaded"
    CHECKING = "checking"
    READY = "ready"
    REJECTED = "rejected"


class ModelRecord(Owned, TableRow):
    """A network in the zoo.

    ``upload_sha256`` is the file as it came, ``program_sha256`` the executable form made of it
    (for pt2 the same bytes). ``layers`` is a list of {name, kind, shape}; ``problems`` of
    {code, detail, remedy}; ``lineage`` says which job, teachers and datasets it came from.
    ``fingerprint`` hashes what determines its numbers: the program and the input specification.
    ``output_shape`` is the shape of the first output for one image, and ``batch_norms`` counts the
    normalizations with batch statistics; both are None for networks checked by earlier releases.
    """

    __tablename__ = "models"
    __table_args__ = (
        Index("ix_models_project_id", "project", "id"),
        Index("ix_models_tags", "tags", postgresql_using="gin"),
        Index("ix_models_teachers", TEACHERS, postgresql_using="gin"),
        Index("ix_models_source", SOURCE),
        Index("ix_models_start", START),
    )

    name: Mapped[str]
    state: Mapped[str] = mapped_column(default=ModelState.UPLOADED)
    task_kind: Mapped[str]
    manifest: Mapped[dict[str, Any]]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    filename: Mapped[str] = mapped_column(default="")
    upload_sha256: Mapped[str | None] = mapped_column(index=True)
    upload_bytes: Mapped[int | None]
    program_sha256: Mapped[str | None]
    fingerprint: Mapped[str | None]
    layers: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    feature_layer: Mapped[str | None]
    output_kind: Mapped[str | None]
    output_shape: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    batch_norms: Mapped[int | None]
    parameters: Mapped[int | None]
    flops: Mapped[int | None]
    problems: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    lineage: Mapped[dict[str, Any] | None]
    job_id: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime] = mapped_column(
        server_default=func.clock_timestamp(), onupdate=func.clock_timestamp()
    )
