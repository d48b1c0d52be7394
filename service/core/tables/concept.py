"""Responses of output units to images, and the searches for units that recognize a concept."""

from enum import StrEnum
from typing import Any

from sqlalchemy import Double, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.core.tables.base import Owned, TableRow


class UnitResponsesRecord(Owned, TableRow):
    """The responses of all output units of one network to the images of one dataset.

    ``comparable_key`` hashes images and method version; ``cache_key`` adds the network. The matrix
    is the file ``sha256``. ``breadth`` is the number of directions that the responses span.
    """

    __tablename__ = "unit_responses"
    __table_args__ = (
        UniqueConstraint("project", "cache_key"),
        Index("ix_unit_responses_comparable", "project", "comparable_key", "model_id"),
    )

    model_id: Mapped[str] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"), index=True)
    dataset_id: Mapped[str] = mapped_column(
        ForeignKey("datasets.id", ondelete="CASCADE"), index=True
    )
    cache_key: Mapped[str]
    comparable_key: Mapped[str]
    units: Mapped[int] = mapped_column(Integer)
    images: Mapped[int] = mapped_column(Integer)
    breadth: Mapped[float] = mapped_column(Double)
    sha256: Mapped[str]
    job_id: Mapped[str | None]


class ConceptSearchState(StrEnum):
    """``pending`` until the best networks are checked, then ``ready`` or ``failed``."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


class ConceptSearchRecord(Owned, TableRow):
    """Output units that recognize a concept: images ``dataset_id``, what it is not ``negatives_id``.

    Without negatives, the probes stand for what the concept is not. ``request`` is the request as
    filled in. ``searched`` lists the networks whose stored responses are read, ``unsearched`` the
    others with the reason, ``reference_ids`` the networks
    through which the concept is related to the probes, and ``ran`` those that ran on its images for
    this search; ``checked`` is None until the networks to check are chosen. ``units`` is the answer, best first.
    """

    __tablename__ = "concept_searches"
    __table_args__ = (
        Index("ix_concept_searches_cache_key", "project", "cache_key", "id"),
        Index("ix_concept_searches_project_id", "project", "id"),
    )

    state: Mapped[str] = mapped_column(default=ConceptSearchState.PENDING)
    cache_key: Mapped[str]
    dataset_id: Mapped[str] = mapped_column(
        ForeignKey("datasets.id", ondelete="CASCADE"), index=True
    )
    negatives_id: Mapped[str | None] = mapped_column(
        ForeignKey("datasets.id", ondelete="CASCADE"), index=True
    )
    probe_set_id: Mapped[str] = mapped_column(
        ForeignKey("datasets.id", ondelete="CASCADE"), index=True
    )
    request: Mapped[dict[str, Any]]
    searched: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    unsearched: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    reference_ids: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    checked: Mapped[list[Any] | None] = mapped_column(JSONB)
    ran: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    units: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    measured: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    job_id: Mapped[str | None]
