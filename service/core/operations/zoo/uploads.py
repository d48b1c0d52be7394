"""Resumable uploads: announced, received in parts at an offset, verified, given to the store."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.clock import now
from service.core.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    RefusedUploadError,
)
from service.core.ids import IdKind, new_id
from service.core.staging import Received
from service.core.tables import UploadRecord, UploadState

LIFETIME = timedelta(hours=24)


def create(
    session: Session,
    *,
    project: str,
    size_bytes: int,
    filename: str = "",
    expected_sha256: str | None = None,
) -> UploadRecord:
    """Announce an upload of exactly ``size_bytes``."""
    record = UploadRecord(
        id=new_id(IdKind.UPLOAD),
        project=project,
        filename=filename,
        size_bytes=size_bytes,
        offset_bytes=0,
        expected_sha256=expected_sha256,
        expires_at=now() + LIFETIME,
    )
    session.add(record)
    session.flush()
    return record


def get(session: Session, *, project: str, upload_id: str) -> UploadRecord:
    """The upload.

    Raises:
        NotFoundError: ``upload_not_found``, also when it has expired.
    """
    record = session.get(UploadRecord, upload_id)
    if record is None or record.project != project:
        raise NotFoundError(
            f"there is no upload {upload_id}",
            code="upload_not_found",
            remedy="uploads are kept for a day; announce it again with POST /v1/uploads",
        )
    return record


def part_at(
    session: Session, *, project: str, upload_id: str, offset: int, staged_bytes: int
) -> UploadRecord:
    """The upload, ready for a part at ``offset``; ``staged_bytes`` of it lie in staging.

    Raises:
        ConflictError: ``upload_complete``, or ``offset_mismatch`` with the right offset.
    """
    record = get(session, project=project, upload_id=upload_id)
    if record.state != UploadState.RECEIVING:
        raise ConflictError(f"all bytes of {upload_id} are there", code="upload_complete")
    record.offset_bytes = min(record.offset_bytes, staged_bytes)
    if offset != record.offset_bytes:
        raise ConflictError(
            f"the next byte is number {record.offset_bytes}, not {offset}",
            code="offset_mismatch",
            remedy=f"ask with HEAD, then send from Upload-Offset: {record.offset_bytes}",
        )
    return record


def advance(session: Session, *, upload_id: str, offset: int) -> None:
    """Note that the bytes up to ``offset`` lie in staging."""
    record = session.get_one(UploadRecord, upload_id)
    record.offset_bytes = offset
    record.expires_at = now() + LIFETIME


def verify(record: UploadRecord, received: Received) -> None:
    """Refuse bytes that are not those announced.

    Raises:
        RefusedUploadError: ``checksum_mismatch``.
    """
    expected = record.expected_sha256
    if expected is not None and expected != received.sha256:
        raise RefusedUploadError(
            f"the bytes have SHA-256 {received.sha256}, announced was {expected}",
            code="checksum_mismatch",
            remedy="the file changed or was damaged on its way; send it again from offset 0",
        )


def complete(session: Session, *, upload_id: str, received: Received) -> UploadRecord:
    """Note that all bytes are verified and stored under their digest."""
    record = session.get_one(UploadRecord, upload_id)
    record.offset_bytes = received.size_bytes
    record.sha256 = received.sha256
    record.state = UploadState.COMPLETE
    session.flush()
    return record


def completed(
    session: Session, *, project: str, filename: str, received: Received
) -> UploadRecord:
    """An upload that came in one request and is already stored."""
    record = create(
        session,
        project=project,
        size_bytes=received.size_bytes,
        filename=filename,
    )
    return complete(session, upload_id=record.id, received=received)


def use(session: Session, *, project: str, upload_id: str) -> UploadRecord:
    """The finished upload, taken for a model or dataset.

    Raises:
        InvalidRequestError: ``unknown_upload``: there is none with this id.
        ConflictError: ``upload_incomplete``.
    """
    try:
        record = get(session, project=project, upload_id=upload_id)
    except NotFoundError as error:
        raise InvalidRequestError(
            error.detail, code="unknown_upload", remedy=error.remedy
        ) from None
    if record.state == UploadState.RECEIVING:
        raise ConflictError(
            f"{record.offset_bytes} of {record.size_bytes} bytes have arrived",
            code="upload_incomplete",
            remedy="send the rest with PATCH first",
        )
    record.state = UploadState.USED
    return record


def discard_expired(session: Session) -> list[str]:
    """Forget uploads that nobody finished or used in time; their ids name files in staging."""
    old = select(UploadRecord).where(UploadRecord.expires_at < now())
    expired = session.scalars(old).all()
    for record in expired:
        session.delete(record)
    return [record.id for record in expired]
