"""Wire shapes of datasets and their images."""

from datetime import datetime
from functools import partial
from typing import Literal, Self

from pydantic import BaseModel
from sqlalchemy.orm import Session

from service.core.etags import etag_of
from service.core.manifest import DatasetManifest
from service.core.operations.zoo import datasets
from service.core.operations.zoo.datasets import DatasetFilter
from service.core.paging import PageTokens
from service.core.tables import DatasetRecord, DatasetState, ImageRecord
from service.views.models import RejectionView, UploadId, rejection_view
from service.views.paging import ListView, PageQuery, Words, list_view


class NewDatasetView(DatasetManifest):
    """A manifest and the finished upload it describes."""

    upload_id: UploadId

    @property
    def manifest(self) -> DatasetManifest:
        """The manifest alone."""
        return DatasetManifest.model_validate(self.model_dump(exclude={"upload_id"}))


class DatasetQuery(PageQuery):
    """Which datasets to list, newest first; ``name`` is a part of the name."""

    state: DatasetState | None = None
    name: Words | None = None

    def page(
        self, session: Session, tokens: PageTokens, *, project: str
    ) -> ListView["DatasetView"]:
        """The page of the project's datasets that the query asks for."""
        where = DatasetFilter(self.state, self.name)
        read = partial(datasets.page, session, project=project, where=where)
        scope = [project, "datasets", self.state, self.name]
        return list_view(read, DatasetView.of, self, tokens=tokens, scope=scope)


class DatasetView(BaseModel):
    """A set of images. ``sha256`` is the digest of its ordered images and labels."""

    id: str
    name: str
    state: Literal["uploaded", "checking", "ready", "rejected"]
    images: int | None
    labels: list[str] | None = None
    sha256: str | None
    canonical_side: int | None = None
    tags: list[str]
    license: str = ""
    problems: list[RejectionView]
    job_id: str | None = None
    created_at: datetime
    etag: str

    @classmethod
    def of(cls, record: DatasetRecord) -> Self:
        """The view of a record."""
        return cls(
            id=record.id,
            name=record.name,
            state=record.state,
            images=record.images,
            labels=record.labels,
            sha256=record.manifest_sha256,
            canonical_side=record.canonical_side,
            tags=record.manifest.get("tags", []),
            license=record.manifest.get("license", ""),
            problems=[rejection_view(problem) for problem in record.problems],
            job_id=record.job_id,
            created_at=record.created_at,
            etag=etag_of(record),
        )


class ImageView(BaseModel):
    """One image of a set, at a position counted from 0."""

    index: int
    name: str
    label: int | None
    media_type: str
    width: int
    height: int
    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, record: ImageRecord) -> Self:
        """The view of a record."""
        return cls(
            index=record.position,
            name=record.name,
            label=record.label,
            media_type=record.media_type,
            width=record.width,
            height=record.height,
            size_bytes=record.length,
            sha256=record.sha256,
        )
