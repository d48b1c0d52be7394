"""Sets of images: created from an upload, immutable, read by position."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from service.core.blobs import BlobStore
from service.core.catalog import dataset_ingestion
from service.core.errors import ConflictError, InvalidRequestError, NotFoundError
from service.core.ids import IdKind, new_id
from service.core.manifest import DatasetManifest
from service.core.operations import owned_rows
from service.core.operations.jobs.internal_jobs import UPLOAD_PRIORITY, submit_for
from service.core.operations.zoo import uploads
from service.core.paging import Page, page_of
from service.core.tables import (
    FINAL_STATES,
    DatasetRecord,
    ImageRecord,
    JobRecord,
    RankingRecord,
    RankingState,
)

_FEWEST_CLASSES = 2
# The inputs of jobs that hold the id of a dataset.
_ROLES = ("dataset_id", "eval_dataset_id")


@dataclass(frozen=True)
class DatasetFilter:
    """A filter for datasets; None does not restrict. ``name`` matches any part of a name."""

    state: str | None = None
    name: str | None = None


def create(
    session: Session, *, project: str, manifest: DatasetManifest, upload_id: str
) -> DatasetRecord:
    """Create a dataset from a finished upload; a job reads and checks the images.

    Raises:
        InvalidRequestError: The upload does not exist.
        ConflictError: The upload is incomplete.
    """
    upload = uploads.use(session, project=project, upload_id=upload_id)
    record = DatasetRecord(
        id=new_id(IdKind.DATASET),
        project=project,
        name=manifest.name,
        manifest=manifest.model_dump(mode="json"),
        filename=upload.filename,
        upload_sha256=upload.sha256 or "",
        upload_bytes=upload.size_bytes,
    )
    session.add(record)
    session.flush()
    submit_for(
        session,
        record,
        method=dataset_ingestion.SPEC.name,
        inputs={"dataset_id": record.id},
        priority=UPLOAD_PRIORITY,
    )
    return record


def require_labeled(dataset: DatasetRecord) -> DatasetRecord:
    """The dataset, if it has labels of at least two classes.

    Raises:
        InvalidRequestError: ``target_unlabeled``.
    """
    if len(dataset.labels or ()) < _FEWEST_CLASSES:
        raise InvalidRequestError(
            f"{dataset.id} has labels of fewer than two classes",
            code="target_unlabeled",
            remedy="upload the images in one folder per class, or choose a metric without labels",
        )
    return dataset


def labels_of(session: Session, *, dataset: DatasetRecord) -> Sequence[int | None]:
    """The index of every image's class in the dataset's labels; None for an unlabeled image."""
    query = select(ImageRecord.label).where(ImageRecord.dataset_id == dataset.id)
    return session.scalars(query.order_by(ImageRecord.position)).all()


def page(
    session: Session, *, project: str, where: DatasetFilter, after: str | None, limit: int
) -> Page[DatasetRecord]:
    """Datasets of the project, newest first."""
    query = select(DatasetRecord).where(DatasetRecord.project == project)
    if where.state is not None:
        query = query.where(DatasetRecord.state == where.state)
    if where.name is not None:
        query = query.where(func.strpos(func.lower(DatasetRecord.name), where.name.lower()) > 0)
    if after is not None:
        query = query.where(DatasetRecord.id < after)
    rows = session.scalars(query.order_by(DatasetRecord.id.desc()).limit(limit + 1)).all()
    return page_of(list(rows), limit=limit)


def delete(session: Session, *, project: str, dataset_id: str) -> None:
    """Delete a dataset and every measurement on it.

    Raises:
        NotFoundError: ``dataset_not_found``.
        ConflictError: ``dataset_in_use``: an unfinished job or ranking needs it.
    """
    record = owned_rows.get(session, DatasetRecord, project=project, id=dataset_id)
    references = [JobRecord.inputs[role].astext == dataset_id for role in _ROLES]
    working = exists().where(or_(*references), JobRecord.state.not_in(FINAL_STATES))
    pending = exists().where(
        RankingRecord.dataset_id == dataset_id, RankingRecord.state == RankingState.PENDING
    )
    if session.scalar(select(working | pending)):
        raise ConflictError(
            f"an unfinished job or ranking needs {dataset_id}",
            code="dataset_in_use",
            remedy="wait for it to finish, or cancel it",
        )
    session.delete(record)
    session.flush()


def images(
    session: Session, *, project: str, dataset_id: str, after: str | None, limit: int
) -> Page[ImageRecord]:
    """The images of a dataset in order, starting after position ``after``."""
    owned_rows.get(session, DatasetRecord, project=project, id=dataset_id)
    query = select(ImageRecord).where(ImageRecord.dataset_id == dataset_id)
    if after is not None:
        query = query.where(ImageRecord.position > int(after))
    rows = session.scalars(query.order_by(ImageRecord.position).limit(limit + 1)).all()
    return page_of(list(rows), limit=limit, key="position")


@dataclass(frozen=True)
class ImageLocation:
    """One uploaded image and the packed file that contains it."""

    image: ImageRecord
    packed_sha256: str

    def read(self, blobs: BlobStore) -> Iterator[bytes]:
        """The bytes of the image, in chunks."""
        return blobs.read(self.packed_sha256, start=self.image.start, length=self.image.length)


def image(session: Session, *, project: str, dataset_id: str, position: int) -> ImageRecord:
    """The image at a position, counted from 0.

    Raises:
        NotFoundError: ``image_not_found``.
    """
    owned_rows.get(session, DatasetRecord, project=project, id=dataset_id)
    record = session.get(ImageRecord, (dataset_id, position))
    if record is None:
        raise NotFoundError(
            f"{dataset_id} has no image at position {position}",
            code="image_not_found",
            remedy=f"see GET /v1/datasets/{dataset_id}/images",
        )
    return record


def image_location(
    session: Session, *, project: str, dataset_id: str, position: int
) -> ImageLocation:
    """The image at a position, with the location of its bytes.

    Raises:
        NotFoundError: ``dataset_not_found`` or ``image_not_found``.
    """
    dataset = owned_rows.get(session, DatasetRecord, project=project, id=dataset_id)
    record = image(session, project=project, dataset_id=dataset_id, position=position)
    return ImageLocation(record, dataset.packed_sha256 or "")


@dataclass(frozen=True)
class ImageContent:
    """One uploaded image and its bytes, which you must read to the end."""

    image: ImageRecord
    chunks: Iterator[bytes]


def image_content(
    session: Session, *, project: str, dataset_id: str, position: int, blobs: BlobStore
) -> ImageContent:
    """The image at a position with its bytes; errors as for ``image_location``."""
    location = image_location(session, project=project, dataset_id=dataset_id, position=position)
    return ImageContent(location.image, location.read(blobs))
