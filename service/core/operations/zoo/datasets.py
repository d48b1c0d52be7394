"""Sets of images or clips: created from an upload, immutable, read by position."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from service.core.catalog import dataset_ingestion
from service.core.errors import ConflictError, FieldProblem, InvalidRequestError, NotFoundError
from service.core.ids import IdKind, new_id
from service.core.manifest import DatasetManifest
from service.core.operations import names, owned_rows
from service.core.operations.dataset_kinds import require_kind
from service.core.operations.error_pointers import error_pointer
from service.core.operations.jobs.internal_jobs import UPLOAD_PRIORITY, submit_for
from service.core.operations.new_names import require_name
from service.core.operations.quotas.admission import require_room, within
from service.core.operations.quotas.limits import Quota
from service.core.operations.zoo import uploads
from service.core.operations.zoo.packed_parts import PackedPart
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
_ROLES = ("dataset_id", "style_dataset_id", "eval_dataset_id")


def create(
    session: Session, *, project: str, manifest: DatasetManifest, upload_id: str
) -> DatasetRecord:
    """Create a dataset from a finished upload; a job reads and checks the files.

    Raises:
        InvalidRequestError: The upload does not exist; ``invalid_name``; ``repeated_label``;
            ``unknown_dataset`` or ``dataset_has_images``: ``clips_of`` names no dataset of clips.
        ConflictError: The upload is incomplete, or the dataset of the clips is not ready.
    """
    require_name(manifest.name)
    manifest = names.with_ids(session, manifest, project=project)
    if manifest.clips_of is not None:
        with error_pointer("/clips_of"):
            owned_rows.get_ready_clips(session, project=project, id=manifest.clips_of)
    _require_distinct(manifest.labels or ())
    upload = uploads.use(session, project=project, upload_id=upload_id)
    record = DatasetRecord(
        id=new_id(IdKind.DATASET),
        project=project,
        name=manifest.name,
        kind=manifest.kind,
        manifest=manifest.model_dump(mode="json"),
        filename=upload.filename,
        upload_sha256=upload.sha256 or "",
        upload_bytes=upload.size_bytes,
    )
    require_room(session, project, Quota.IMAGES)
    with within(session, project, Quota.DATASETS, Quota.BYTES):
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


def _require_distinct(labels: Sequence[str]) -> None:
    """Raises InvalidRequestError: ``repeated_label``."""
    positions = dict(zip(labels, range(len(labels)), strict=True))
    for index, label in enumerate(labels):
        if positions[label] != index:
            raise InvalidRequestError(
                f"the class {label!r} is listed more than once",
                code="repeated_label",
                remedy="list each class once",
                errors=[FieldProblem(f"/labels/{positions[label]}", "repeated")],
            )


def shared_images(session: Session, dataset_id: str, other_id: str) -> int:
    """How many images of a dataset are, byte for byte, also in another."""
    others = select(ImageRecord.sha256).where(ImageRecord.dataset_id == other_id)
    query = select(func.count()).where(
        ImageRecord.dataset_id == dataset_id, ImageRecord.sha256.in_(others)
    )
    return session.scalars(query).one()


def delete(session: Session, *, project: str, dataset_id: str) -> None:
    """Delete a dataset and every measurement on it.

    Raises:
        NotFoundError: ``dataset_not_found``.
        ConflictError: ``dataset_in_use``: an unfinished job or ranking needs it.
    """
    record = owned_rows.get(session, DatasetRecord, project=project, id=dataset_id)
    references = [JobRecord.inputs[role].astext == dataset_id for role in _ROLES]
    working = exists().where(
        JobRecord.project == project, or_(*references), JobRecord.state.not_in(FINAL_STATES)
    )
    pending = exists().where(
        RankingRecord.project == project,
        RankingRecord.dataset_id == dataset_id,
        RankingRecord.state == RankingState.PENDING,
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
    require_kind(owned_rows.get(session, DatasetRecord, project=project, id=dataset_id))
    query = select(ImageRecord).where(ImageRecord.dataset_id == dataset_id)
    if after is not None:
        query = query.where(ImageRecord.position > int(after))
    rows = session.scalars(query.order_by(ImageRecord.position).limit(limit + 1)).all()
    return page_of(list(rows), limit=limit, key="position")


@dataclass(frozen=True)
class ImageLocation(PackedPart):
    """The bytes of an image, or of its mask."""

    image: ImageRecord

    @classmethod
    def of(cls, image: ImageRecord, packed_sha256: str) -> Self:
        """The location of an image."""
        return cls(packed_sha256, image.start, image.length, image.sha256, image)


def image(session: Session, *, project: str, dataset_id: str, position: int) -> ImageRecord:
    """The image at a position, counted from 0.

    Raises:
        NotFoundError: ``image_not_found``.
    """
    require_kind(owned_rows.get(session, DatasetRecord, project=project, id=dataset_id))
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
    return ImageLocation.of(record, dataset.packed_sha256 or "")


def mask_location(
    session: Session, *, project: str, dataset_id: str, position: int
) -> ImageLocation:
    """The mask of the image at a position, with the location of its bytes.

    Raises:
        NotFoundError: ``dataset_not_found``, ``image_not_found`` or ``mask_not_found``.
    """
    dataset = owned_rows.get(session, DatasetRecord, project=project, id=dataset_id)
    record = image(session, project=project, dataset_id=dataset_id, position=position)
    if record.mask_sha256 is None:
        raise NotFoundError(
            f"the image at position {position} of {dataset_id} has no stored mask",
            code="mask_not_found",
            remedy="upload images and masks with layout masks; masks of earlier releases: upload them again",
        )
    start, length = record.mask_start or 0, record.mask_length or 0
    return ImageLocation(dataset.packed_sha256 or "", start, length, record.mask_sha256, record)
