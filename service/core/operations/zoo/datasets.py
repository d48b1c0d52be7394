"""Sets of images: created from an upload, immutable, read by position."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from service.core.blobs import BlobStore
from service.core.catalog import Audience
from service.core.errors import ConflictError, InvalidRequestError, NotFoundError
from service.core.ids import IdKind, new_id
from service.core.manifest import DatasetManifest
from service.core.operations.jobs import jobs
from service.core.operations.zoo import uploads
from service.core.paging import Page, page_of
from service.core.tables import (
    FINAL_STATES,
    DatasetRecord,
    DatasetState,
    ImageRecord,
    JobRecord,
    RankingRecord,
    RankingState,
)
from service.core.tracing import current_trace_id

_FEWEST_CLASSES = 2
# Under what a job may name a dataset among its inputs.
_ROLES = ("dataset_id", "eval_dataset_id")


@dataclass(frozen=True)
class DatasetFilter:
    """Which datasets are meant; None asks for no restriction. ``name`` is a part of the name."""

    state: str | None = None
    name: str | None = None


def create(
    session: Session, *, project: str, manifest: DatasetManifest, upload_id: str
) -> DatasetRecord:
    """Take a finished upload as a set of images; a job reads and checks it.

    Raises:
        InvalidRequestError: There is no such upload.
        ConflictError: Bytes of the upload are missing.
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
    job = jobs.submit(
        session,
        project=project,
        method="dataset_ingestion",
        inputs={"dataset_id": record.id},
        params={},
        priority=10,
        trace_id=current_trace_id(),
        audience=Audience.INTERNAL,
    )
    record.job_id = job.id
    session.flush()
    return record


def get(session: Session, *, project: str, dataset_id: str) -> DatasetRecord:
    """The dataset.

    Raises:
        NotFoundError: ``dataset_not_found``.
    """
    record = session.get(DatasetRecord, dataset_id)
    if record is None or record.project != project:
        raise NotFoundError(f"there is no dataset {dataset_id}", code="dataset_not_found")
    return record


def get_ready(session: Session, *, project: str, dataset_id: str) -> DatasetRecord:
    """The dataset, which must be ready for use.

    Raises:
        NotFoundError: ``dataset_not_found``.
        ConflictError: ``dataset_not_ready``, naming its state.
    """
    record = get(session, project=project, dataset_id=dataset_id)
    if record.state != DatasetState.READY:
        raise ConflictError(
            f"{dataset_id} is {record.state}, not ready",
            code="dataset_not_ready",
            remedy="wait for its check to end, or read its problems",
        )
    return record


def require_labeled(dataset: DatasetRecord) -> DatasetRecord:
    """The dataset, if its labels tell at least two classes apart.

    Raises:
        InvalidRequestError: ``target_unlabeled``.
    """
    if len(dataset.labels or ()) < _FEWEST_CLASSES:
        raise InvalidRequestError(
            f"{dataset.id} has no labels of two classes or more, so nothing can be learnt from it",
            code="target_unlabeled",
            remedy="upload the images in one folder per class, or choose a way that needs no labels",
        )
    return dataset


def labels_of(session: Session, *, dataset: DatasetRecord) -> Sequence[int | None]:
    """The place of every image's class among the dataset's labels; None where it has none."""
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
    found = session.scalars(query.order_by(DatasetRecord.id.desc()).limit(limit + 1)).all()
    return page_of(list(found), limit=limit)


def delete(session: Session, *, project: str, dataset_id: str) -> None:
    """Remove a dataset and every measurement on it.

    Raises:
        NotFoundError: ``dataset_not_found``.
        ConflictError: ``dataset_in_use``: an unfinished job or ranking needs it.
    """
    record = get(session, project=project, dataset_id=dataset_id)
    named = [JobRecord.inputs[role].astext == dataset_id for role in _ROLES]
    working = exists().where(or_(*named), JobRecord.state.not_in(FINAL_STATES))
    pending = exists().where(
        RankingRecord.dataset_id == dataset_id, RankingRecord.state == RankingState.PENDING
    )
    if session.scalar(select(working | pending)):
        raise ConflictError(
            f"an unfinished job or ranking needs {dataset_id}",
            code="dataset_in_use",
            remedy="wait for it, or cancel it",
        )
    session.delete(record)
    session.flush()


def images(
    session: Session, *, project: str, dataset_id: str, after: int | None, limit: int
) -> Page[ImageRecord]:
    """The images of a dataset in order, from the one behind position ``after`` on."""
    get(session, project=project, dataset_id=dataset_id)
    query = select(ImageRecord).where(ImageRecord.dataset_id == dataset_id)
    if after is not None:
        query = query.where(ImageRecord.position > after)
    found = session.scalars(query.order_by(ImageRecord.position).limit(limit + 1)).all()
    return page_of(list(found), limit=limit, key="position")


@dataclass(frozen=True)
class ImageLocation:
    """One image as it was uploaded: what it is, and the packed file it lies in."""

    image: ImageRecord
    packed_sha256: str

    def read(self, blobs: BlobStore) -> Iterator[bytes]:
        """The image's bytes, in chunks."""
        return blobs.read(self.packed_sha256, start=self.image.start, length=self.image.length)


def image(session: Session, *, project: str, dataset_id: str, position: int) -> ImageRecord:
    """The image at a position, counted from 0.

    Raises:
        NotFoundError: ``image_not_found``.
    """
    get(session, project=project, dataset_id=dataset_id)
    found = session.get(ImageRecord, (dataset_id, position))
    if found is None:
        raise NotFoundError(f"{dataset_id} has no image number {position}", code="image_not_found")
    return found


def image_location(
    session: Session, *, project: str, dataset_id: str, position: int
) -> ImageLocation:
    """The image at a position, with the place of its bytes.

    Raises:
        NotFoundError: ``dataset_not_found`` or ``image_not_found``.
    """
    record = get(session, project=project, dataset_id=dataset_id)
    found = image(session, project=project, dataset_id=dataset_id, position=position)
    return ImageLocation(found, record.packed_sha256 or "")


@dataclass(frozen=True)
class ImageContent:
    """One image as it was uploaded: what it is and its bytes, which must be read to the end."""

    image: ImageRecord
    chunks: Iterator[bytes]


def image_content(
    session: Session, *, project: str, dataset_id: str, position: int, blobs: BlobStore
) -> ImageContent:
    """The image at a position with its bytes; errors as for ``image_location``."""
    place = image_location(session, project=project, dataset_id=dataset_id, position=position)
    return ImageContent(place.image, place.read(blobs))
