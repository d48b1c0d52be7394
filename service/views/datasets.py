"""Wire shapes of datasets and their images."""

from datetime import datetime
from functools import partial
from typing import Literal, Self

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from service.core.etags import etag_of
from service.core.ids import UploadId
from service.core.manifest import DatasetKind, DatasetManifest
from service.core.operations.lists import SizeClass
from service.core.operations.zoo import dataset_lists
from service.core.operations.zoo.dataset_lists import DatasetFilter
from service.core.operations.zoo.datasets import ImageLocation
from service.core.paging import PageTokens
from service.core.tables import DatasetRecord, DatasetState, ImageRecord
from service.views.models import RejectionView, rejection_view
from service.views.paging import (
    SORT_DESCRIPTION,
    CountedListView,
    CountedQuery,
    ListCounters,
    Words,
    counted_list_view,
    list_view,
)

DatasetSort = Literal[
    "created_at", "-created_at", "name", "-name", "size", "-size", "images", "-images"
]

MASK_MEDIA_TYPE = "image/png"


class NewDatasetView(DatasetManifest):
    """A manifest and the finished upload it describes."""

    upload_id: UploadId

    @property
    def manifest(self) -> DatasetManifest:
        """The manifest alone."""
        return DatasetManifest.model_validate(self.model_dump(exclude={"upload_id"}))


class DatasetQuery(CountedQuery):
    """Which datasets to list, newest first; ``name`` is a part of the name."""

    state: DatasetState | None = None
    name: Words | None = None
    tag: Words | None = None
    size: SizeClass | None = Field(None, description="Size of the uploaded file.")
    kind: DatasetKind | None = None
    sort: DatasetSort = Field("-created_at", description=SORT_DESCRIPTION)

    @property
    def where(self) -> DatasetFilter:
        """The filter as the operation takes it."""
        return DatasetFilter(self.state, self.name, self.q, self.tag, self.size, self.kind)

    def page(
        self, session: Session, tokens: PageTokens, *, project: str
    ) -> CountedListView["DatasetView"]:
        """The page of the project's datasets that the query asks for."""
        where = self.where
        read = partial(dataset_lists.page, session, project=project, where=where, sort=self.sort)
        scope = [project, "datasets", self.sort, *vars(where).values()]
        return counted_list_view(
            list_view(read, DatasetView.of, self, tokens=tokens, scope=scope),
            self,
            ListCounters(
                partial(dataset_lists.total, session, project=project, where=where),
                partial(dataset_lists.facets, session, project=project, where=where),
            ),
        )


class NoteView(BaseModel):
    """A remark on an upload; the first of the ``count`` files it is about are in ``names``."""

    code: str
    detail: str
    count: int
    names: list[str]


class DatasetView(BaseModel):
    """A set of images, or of clips with transcripts, as its ``kind`` says.

    ``sha256`` is the digest of its ordered images and labels, or clips and transcripts.
    ``label_kind`` says whether each image has a `single` label, a list of `multiple` ones, or a `mask`.
    ``notes`` say what was assumed or left out while the upload was read, ``problems`` what could not
    be used.
    """

    id: str
    name: str
    state: Literal["uploaded", "checking", "ready", "rejected", "damaged"]
    kind: Literal["images", "clips"]
    images: int | None
    clips: int | None = None
    labels: list[str] | None = None
    sha256: str | None
    canonical_side: int | None = None
    tags: list[str]
    license: str = ""
    problems: list[RejectionView]
    notes: list[NoteView] = []
    label_kind: Literal["single", "multiple", "mask"] | None = None
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
            kind=record.kind,
            images=record.images,
            clips=record.clips,
            labels=record.labels,
            sha256=record.manifest_sha256,
            canonical_side=record.canonical_side,
            tags=record.manifest.get("tags", []),
            license=record.manifest.get("license", ""),
            problems=[rejection_view(problem) for problem in record.problems],
            notes=[NoteView.model_validate(note) for note in record.notes],
            label_kind=record.label_kind,
            job_id=record.job_id,
            created_at=record.created_at,
            etag=etag_of(record),
        )


class ImageView(BaseModel):
    """One image of a set, at a position counted from 0.

    ``label`` is the index of its class; where images have several, ``labels`` are the indices.
    ``mask_sha256`` is the digest of its mask where images have masks.
    """

    index: int
    name: str
    label: int | None
    labels: list[int] | None = None
    media_type: str
    width: int
    height: int
    size_bytes: int
    sha256: str
    mask_sha256: str | None = None

    @classmethod
    def of(cls, record: ImageRecord) -> Self:
        """The view of a record."""
        return cls(
            index=record.position,
            name=record.name,
            label=record.label,
            labels=record.labels,
            media_type=record.media_type,
            width=record.width,
            height=record.height,
            size_bytes=record.length,
            sha256=record.sha256,
            mask_sha256=record.mask_sha256,
        )


class MaskView(BaseModel):
    """The mask of an image: a PNG of its size, whose values are indices of classes."""

    index: int
    media_type: str
    width: int
    height: int
    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, location: ImageLocation) -> Self:
        """The view of a mask."""
        return cls(
            index=location.image.position,
            media_type=MASK_MEDIA_TYPE,
            width=location.image.width,
            height=location.image.height,
            size_bytes=location.length,
            sha256=location.sha256,
        )
