"""Networks of the zoo."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Index, Integer, Text, func, literal_column
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.core.tables.base import Owned, TableRow

TEACHERS: ColumnElement[Any] = literal_column("(lineage -> 'teachers')", JSONB)
"""Ids of the networks that a network learned from."""
SOURCE: ColumnElement[Any] = literal_column("(lineage ->> 'source_model_id')", Text)
"""Id of the network that a network was fine-tuned or probed from."""
HEAD_OF_READER: ColumnElement[Any] = literal_column("(models.manifest ->> 'reader')", Text)
"""What a reader of clips is, as text; NULL for a network of images."""
START: ColumnElement[Any] = literal_column("(lineage #>> '{params,student,init}')", Text)
"""Id of the network whose weights a network started from."""


class ModelState(StrEnum):
    """``uploaded → checking → ready | rejected``; ``pending`` for one that a job will make.

    ``damaged`` while a stored file of it is damaged; then it returns to its former state.
    """

    PENDING = "pending"
    UPLOADED = "uploaded"
    CHECKING = "checking"
    READY = "ready"
    REJECTED = "rejected"
    DAMAGED = "damaged"


class ModelRecord(Owned, TableRow):
    """A network in the zoo.

    ``upload_sha256`` is the file as it came, ``program_sha256`` the executable form made of it
    (for pt2 the same bytes). ``layers`` is a list of {name, kind, shape}; ``problems`` of
    {code, detail, remedy}; ``lineage`` says which job, teachers and datasets it came from.
    ``fingerprint`` hashes what determines its numbers: the program and the input specification.
    ``output_shape`` is the shape of the first output for one image, and ``batch_norms`` counts the
    normalizations with batch statistics, ``fixed_batch`` is the only number of images that it takes
    at once (None: any); the first two are None for networks checked by earlier releases.
    Of all ``outputs`` of the file, methods read ``output``; None, as for networks checked by earlier
    releases, means the first. ``output_scale`` says what its numbers are, and networks with equal
    ``weights_sha256`` have the same weights. ``latency_ms`` is the time of one image on the machine
    that checked or exported it; None for networks of earlier releases. ``name_version`` counts the networks that had this
    name, from 1. ``undamaged_state`` is the state to which a damaged network returns.
    """

    __tablename__ = "models"
    __table_args__ = (
        Index("ix_models_project_id", "project", "id"),
        Index("ix_models_tags", "tags", postgresql_using="gin"),
        Index("ix_models_teachers", TEACHERS, postgresql_using="gin"),
        Index("ix_models_source", SOURCE),
        Index("ix_models_start", START),
        Index("ix_models_weights", "project", "weights_sha256"),
        Index("ix_models_name", "project", "name", "name_version"),
    )

    name: Mapped[str]
    name_version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
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
    fixed_batch: Mapped[int | None]
    outputs: Mapped[list[Any]] = mapped_column(JSONB, default=list, server_default="[]")
    output: Mapped[str | None]
    output_scale: Mapped[str | None]
    weights_sha256: Mapped[str | None]
    parameters: Mapped[int | None]
    flops: Mapped[int | None]
    peak_bytes: Mapped[int | None]
    gradient_peak_bytes: Mapped[int | None]
    latency_ms: Mapped[float | None]
    problems: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    lineage: Mapped[dict[str, Any] | None]
    job_id: Mapped[str | None]
    undamaged_state: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)
    if TYPE_CHECKING:
        # Read from other rows; see service.core.tables.model_name.
        aliases: Mapped[list[str] | None]
        same_weights_as: Mapped[list[str] | None]
    updated_at: Mapped[datetime] = mapped_column(
        server_default=func.clock_timestamp(), onupdate=func.clock_timestamp()
    )

    @property
    def is_few_shot_learner(self) -> bool:
        """Whether its classes come with each request."""
        return self.manifest.get("few_shot") is not None

    @property
    def is_reader(self) -> bool:
        """Whether it reads clips, so that nothing about images applies to it."""
        return self.manifest.get("reader") is not None

    @property
    def is_cascade(self) -> bool:
        """Whether it reads clips in stages."""
        return (self.manifest.get("reader") or {}).get("kind") == "cascade"

    @property
    def is_stylizer(self) -> bool:
        """Whether it paints pictures in styles that come with each request."""
        return self.manifest.get("stylizer") is not None
