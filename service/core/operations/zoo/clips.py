"""Clips of a dataset, read by position."""

from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.errors import NotFoundError
from service.core.operations import owned_rows
from service.core.operations.dataset_kinds import CLIPS, require_kind
from service.core.operations.zoo.packed_parts import PackedPart
from service.core.paging import Page, page_of
from service.core.tables import ClipRecord, DatasetRecord


class ClipPicture(StrEnum):
    """A picture of a clip: its middle frame with the crop, or its log-mel frames."""

    POSTER = "poster"
    MEL = "mel"


def clips(
    session: Session, *, project: str, dataset_id: str, after: str | None, limit: int
) -> Page[ClipRecord]:
    """The clips of a dataset in order, starting after position ``after``."""
    _dataset_of_clips(session, project=project, dataset_id=dataset_id)
    query = select(ClipRecord).where(ClipRecord.dataset_id == dataset_id)
    if after is not None:
        query = query.where(ClipRecord.position > int(after))
    rows = session.scalars(query.order_by(ClipRecord.position).limit(limit + 1)).all()
    return page_of(list(rows), limit=limit, key="position")


def picture_location(
    session: Session, *, project: str, dataset_id: str, position: int, picture: ClipPicture
) -> PackedPart:
    """Where a picture of the clip at a position is, counted from 0.

    Raises:
        NotFoundError: ``dataset_not_found``, ``clip_not_found``; ``clip_without_sound``: it has no
            log-mel frames.
        InvalidRequestError: ``dataset_has_images``.
    """
    dataset = _dataset_of_clips(session, project=project, dataset_id=dataset_id)
    record = session.get(ClipRecord, (dataset_id, position))
    if record is None:
        raise NotFoundError(
            f"{dataset_id} has no clip at position {position}",
            code="clip_not_found",
            remedy=f"see GET /v1/datasets/{dataset_id}/clips",
        )
    part = record.poster if picture is ClipPicture.POSTER else record.mel_picture
    if part is None:
        raise NotFoundError(
            f"the clip at position {position} has no sound",
            code="clip_without_sound",
            remedy=f"see mel_frames in GET /v1/datasets/{dataset_id}/clips",
        )
    return PackedPart(dataset.packed_sha256 or "", **part)


def _dataset_of_clips(session: Session, *, project: str, dataset_id: str) -> DatasetRecord:
    dataset = owned_rows.get(session, DatasetRecord, project=project, id=dataset_id)
    return require_kind(dataset, CLIPS)
