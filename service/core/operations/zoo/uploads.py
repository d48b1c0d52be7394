"""Resumable uploads: created, received in parts at an offset, verified, stored."""

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
from service.core.operations import owned_rows
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
    """Create an upload of exactly ``size_bytes``."""
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


def part_at(
    session: Session, *, project: str, upload_id: str, offset: int, staged_bytes: int
) -> UploadRecord:
    """The upload, ready for a part at ``offset``; staging holds ``staged_bytes`` of it.

    Raises:
        ConflictError: ``upload_complete``, or ``offset_mismatch`` with the right offset.
    """
    record = owned_rows.get(session, UploadRecord, project=project, id=upload_id)
    if record.state != UploadState.RECEIVING:
        raise ConflictError(
            f"{upload_id} is complete",
            code="upload_complete",
            remedy="create a model or dataset from it",
        )
    record.offset_bytes = min(record.offset_bytes, staged_bytes)
    if offset != record.offset_bytes:
        raise ConflictError(
            f"the next offset is {record.offset_bytes}, not {offset}",
            code="offset_mismatch",
            remedy=f"get the offset with HEAD, then resume at Upload-Offset: {record.offset_bytes}",
        )
    return record


def advance(session: Session, *, upload_id: str, offset: int) -> None:
    """Record that staging holds the bytes up to ``offset``."""
    record = session.get_one(UploadRecord, upload_id)
    record.offset_bytes = offset
    record.expires_at = now() + LIFETIME


def verify(record: UploadRecord, received: Received) -> None:
    """Require that the bytes have the expected digest.

    Raises:
        RefusedUploadError: ``checksum_mismatch``.
    """
    expected = record.expected_sha256
    if expected is not None and expected != received.sha256:
        raise RefusedUploadError(
            f"the bytes have the SHA-256 {received.sha256}; the upload expects {expected}",
            code="checksum_mismatch",
            remedy="the file changed or was damaged in transit; upload it again from offset 0",
        )


def complete(session: Session, *, upload_id: str, received: Received) -> UploadRecord:
    """Record that all bytes are verified and stored under their digest."""
    record = session.get_one(UploadRecord, upload_id)
    record.offset_bytes = received.size_bytes
    record.sha256 = received.sha256
    record.state = UploadState.COMPLETE
    session.flush()
    return record


def completed(
    session: Session, *, project: str, filename: str, received: Received
) -> UploadRecord:
    """A complete upload, received in one request and already stored."""
    record = create(
        session,
        project=project,
        size_bytes=received.size_bytes,
        filename=filename,
    )
    return complete(session, upload_id=record.id, received=received)


def use(session: Session, *, project: str, upload_id: str) -> UploadRecord:
    """The finished upload, now used by a model or dataset.

    Raises:
        InvalidRequestError: ``unknown_upload``: it does not exist.
        ConflictError: ``upload_incomplete``.
    """
    try:
        record = owned_rows.get(session, UploadRecord, project=project, id=upload_id)
    except NotFoundError as error:
        raise InvalidRequestError(
            error.detail, code="unknown_upload", remedy=error.remedy
        ) from None
    if record.state == UploadState.RECEIVING:
        raise ConflictError(
            f"{record.offset_bytes} of {record.size_bytes} bytes have arrived",
            code="upload_incomplete",
            remedy="send the remaining bytes with PATCH first",
        )
    record.state = UploadState.USED
    return record


def discard_expired(session: Session) -> list[str]:
    """Delete expired uploads; their ids are the names of files in staging."""
    query = select(UploadRecord).where(UploadRecord.expires_at < now())
    expired = session.scalars(query).all()
    for record in expired:
        session.delete(record)
    return [record.id for record in expired]
