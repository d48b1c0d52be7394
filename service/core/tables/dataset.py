"""Sets of images or of clips; immutable once ready."""

from enum import StrEnum
from typing import Any

from sqlalchemy import Double, ForeignKey, Index, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.core.manifest import DatasetKind
from service.core.tables.base import Owned, TableRow


class DatasetState(StrEnum):
    """``uploaded → checking → ready | rejected``.

    ``damaged`` while a stored file of it is damaged; then it returns to its former state.
    """

    UPLOADED = "uploaded"
    CHECKING = "checking"
    READY = "ready"
    REJECTED = "rejected"
    DAMAGED = "damaged"


class LabelKind(StrEnum):
    """Whether each image of a dataset has one label, a list of labels, or a mask of its pixels."""

    SINGLE = "single"
    MULTIPLE = "multiple"
    MASK = "mask"


class DatasetRecord(Owned, TableRow):
    """A named set of images, or of ``clips`` as its ``kind`` says.

    ``manifest_sha256`` hashes the ordered list of (image digest, label): equal sets, equal hash.
    ``packed_sha256`` is a file with all images and their masks, or all clips, one after another, at
    the offsets of ``ImageRecord`` or ``ClipRecord``; ``canonical_sha256`` is a .npy of shape
    (images, side, side, 3), uint8, RGB,
    for datasets that are small enough to be probe sets; ``masks_sha256`` is a .npy of shape
    (images, side, side), uint8, with the index of every pixel's class, 255 for none; ``appearance``
    {means, deviations} are the looks of the frames, None for sets of earlier releases.
    ``undamaged_state`` is the state to which a
    damaged dataset returns. ``label_kind`` is None for an unlabeled dataset; ``notes`` are remarks
    of the ingestion that are no problems.
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
    kind: Mapped[str] = mapped_column(
        default=DatasetKind.IMAGES, server_default=DatasetKind.IMAGES.value
    )
    images: Mapped[int | None]
    clips: Mapped[int | None]
    labels: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    canonical_side: Mapped[int | None] = mapped_column(Integer)
    packed_sha256: Mapped[str | None]
    canonical_sha256: Mapped[str | None]
    appearance: Mapped[dict[str, Any] | None]
    masks_sha256: Mapped[str | None]
    problems: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    notes: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    label_kind: Mapped[str | None]
    job_id: Mapped[str | None]
    undamaged_state: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)


class ImageRecord(TableRow):
    """One image of a dataset: the location of its bytes in the packed file, and what it shows.

    ``label`` is the index of its class; in a dataset whose images have several, ``labels`` are the
    indices and ``label`` is None. ``mask_start``, ``mask_length`` and ``mask_sha256`` are those of its
    mask, a PNG in the packed file whose values are indices of classes.
    """

    __tablename__ = "dataset_images"

    dataset_id: Mapped[str] = mapped_column(
        ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str]
    label: Mapped[int | None] = mapped_column(Integer)
    labels: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    sha256: Mapped[str]
    media_type: Mapped[str]
    start: Mapped[int]
    length: Mapped[int]
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    mask_start: Mapped[int | None]
    mask_length: Mapped[int | None]
    mask_sha256: Mapped[str | None]


class ClipRecord(TableRow):
    """One clip of a dataset: what is said, what it shows, and where its parts are.

    ``sha256`` is the digest of the uploaded file. ``transcript`` is empty where none is known; in a
    dataset all clips have one, or none has. ``box`` is the crop in the poster: left, top, width
    and height in pixels of the upright frames. ``tensors``, ``poster`` and ``mel_picture`` are
    {sha256, start, length} in the packed file; ``mel_picture`` is None without sound. ``remarks``
    are codes of what is unusual.
    """

    __tablename__ = "dataset_clips"

    dataset_id: Mapped[str] = mapped_column(
        ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str]
    sha256: Mapped[str]
    transcript: Mapped[str]
    pinyin: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    speaker: Mapped[str | None]
    seconds: Mapped[float] = mapped_column(Double)
    frames: Mapped[int] = mapped_column(Integer)
    frames_per_second: Mapped[float] = mapped_column(Double)
    mel_frames: Mapped[int] = mapped_column(Integer)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    rotation: Mapped[int] = mapped_column(Integer)
    faces: Mapped[int] = mapped_column(Integer)
    box: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    remarks: Mapped[list[str]] = mapped_column(ARRAY(Text))
    tensors: Mapped[dict[str, Any]]
    poster: Mapped[dict[str, Any]]
    mel_picture: Mapped[dict[str, Any] | None]
