"""Resumable uploads: created, received in parts at an offset, verified, stored."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.core.errors import (
    ConflictError,
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
    RefusedUploadError,
)
from service.core.ids import IdKind, new_id
from service.core.operations import owned_rows
from service.core.operations.quotas.admission import within
from service.core.operations.quotas.limits import Quota
from service.core.staging import Received
from service.core.tables import UploadRecord, UploadState

LIFETIME = timedelta(hours=24)
_POINTER = "/upload_id"


def create(
    session: Session,
    *,
    project: str,
    size_bytes: int,
    filename: str = "",
    expected_sha256: str | None = None,
) -> UploadRecord:
    """Create an upload of exactly ``size_bytes``, which count from now on.

    Raises:
        TooLargeError: ``quota_exceeded``.
    """
    record = UploadRecord(
        id=new_id(IdKind.UPLOAD),
        project=project,
        filename=filename,
        size_bytes=size_bytes,
        offset_bytes=0,
        expected_sha256=expected_sha256,
        expires_at=func.clock_timestamp() + LIFETIME,
    )
    with within(session, project, Quota.BYTES):
        session.add(record)
        session.flush()
    session.refresh(record, ["expires_at"])
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
    if offset != staged_bytes:
        raise ConflictError(
            f"the next offset is {staged_bytes}, not {offset}",
            code="offset_mismatch",
            remedy=f"get the offset with HEAD, then resume at Upload-Offset: {staged_bytes}",
        )
    return record


def advance(session: Session, *, project: str, upload_id: str, offset: int) -> None:
    """Record that staging holds the bytes up to ``offset``."""
    record = owned_rows.get(session, UploadRecord, project=project, id=upload_id)
    record.offset_bytes = offset
    record.expires_at = func.clock_timestamp() + LIFETIME
    session.flush()
    session.refresh(record, ["expires_at"])


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


def complete(
    session: Session, *, project: str, upload_id: str, received: Received
) -> UploadRecord:
    """Record that all bytes are verified and stored under their digest."""
    record = owned_rows.get(session, UploadRecord, project=project, id=upload_id)
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
    return complete(session, project=project, upload_id=record.id, received=received)


def use(session: Session, *, project: str, upload_id: str) -> UploadRecord:
    """The finished upload, now used by a model or dataset; one upload makes one of them.

    Raises:
        InvalidRequestError: ``unknown_upload``: it does not exist.
        ConflictError: ``upload_incomplete``; ``upload_used``.
    """
    try:
        record = owned_rows.get_locked(session, UploadRecord, project=project, id=upload_id)
    except NotFoundError as error:
        raise InvalidRequestError(
            error.detail,
            code="unknown_upload",
            remedy=error.remedy,
            errors=[FieldProblem(_POINTER, "unknown upload")],
        ) from None
    if record.state == UploadState.RECEIVING:
        raise ConflictError(
            f"{upload_id} is not complete: its {record.size_bytes} bytes are not all verified",
            code="upload_incomplete",
            remedy="send the remaining bytes with PATCH first, an empty body if none remain",
            errors=[FieldProblem(_POINTER, "not complete")],
        )
    if record.state == UploadState.USED:
        raise ConflictError(
            f"{upload_id} has already become a model or a dataset",
            code="upload_used",
            remedy="upload the file again with POST /v1/uploads; to repeat a request safely, send it"
            " with the same Idempotency-Key",
            errors=[FieldProblem(_POINTER, "already used")],
        )
    record.state = UploadState.USED
    return record


def discard_expired(session: Session) -> list[str]:
    """Delete expired uploads; their ids are the names of files in staging."""
    query = select(UploadRecord).where(UploadRecord.expires_at < func.clock_timestamp())
    expired = session.scalars(query).all()
    for record in expired:
        session.delete(record)
    return [record.id for record in expired]
