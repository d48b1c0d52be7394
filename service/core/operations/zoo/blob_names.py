"""Which stored files rows still refer to."""

from collections.abc import Sequence

from sqlalchemy import select, union
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.core.tables import (
    ArtifactRecord,
    DatasetRecord,
    GraphRecord,
    ImageRecord,
    JobRecord,
    ModelRecord,
    UploadRecord,
)

_NAMED_IN: tuple[InstrumentedAttribute[str] | InstrumentedAttribute[str | None], ...] = (
    ModelRecord.upload_sha256,
    ModelRecord.program_sha256,
    DatasetRecord.upload_sha256,
    DatasetRecord.packed_sha256,
    DatasetRecord.canonical_sha256,
    ImageRecord.sha256,
    GraphRecord.sha256,
    ArtifactRecord.sha256,
    JobRecord.checkpoint_sha256,
    UploadRecord.sha256,
)


def named(session: Session, digests: Sequence[str]) -> set[str]:
    """The digests that some row refers to."""
    query = union(*(select(column).where(column.in_(digests)) for column in _NAMED_IN))
    return {str(row[0]) for row in session.execute(query)}
