"""Sets of images; immutable once ready."""

from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.core.tables.base import Owned, TableRow


class DatasetState(StrEnum):
    """``uploaded → checking → ready | rejected``."""

    UPLOADED = "uploaded"
    CHECKING = "checking"
    READY = "ready"
    REJECTED = "rejected"


class DatasetRecord(Owned, TableRow):
    """A named set of images.

    ``manifest_sha256`` hashes the ordered list of (image digest, label): equal sets, equal hash.
    ``packed_sha256`` is a file with all images, one after another, at the offsets of
    ``ImageRecord``; ``canonical_sha256`` is a .npy of shape (images, side, side, 3), uint8, RGB,
    for datasets that are small enough to be probe sets.
    """

    __tablename__ = "datasets"
    __table_args__ = (Index("ix_datasets_project_id", "project", "id"),)

    name: Mapped[str]
    state: Mapped[str] = mapped_column(default=DatasetState.UPLOADED)
    manifest: Mapped[dict[str, Any]]
    filename: Mapped[str] = mapped_column(default="")
    upload_sha256: Mapped[str]
    upload_bytes: Mapped[int]
    manifest_sha256: Mapped[str | None]
    images: Mapped[int | None]
    labels: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    canonical_side: Mapped[int | None] = mapped_column(Integer)
    packed_sha256: Mapped[str | None]
    canonical_sha256: Mapped[str | None]
    problems: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    job_id: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)


class ImageRecord(TableRow):
    """One image of a dataset: the location of its bytes in the packed file, and its label's index."""

    __tablename__ = "dataset_images"

    dataset_id: Mapped[str] = mapped_column(
        ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str]
    label: Mapped[int | None] = mapped_column(Integer)
    sha256: Mapped[str]
    media_type: Mapped[str]
    start: Mapped[int]
    length: Mapped[int]
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
