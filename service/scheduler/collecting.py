"""Deletes stored files that no row names: what fenced workers and removed models left behind."""

from collections.abc import Iterator
from itertools import islice

import structlog
from sqlalchemy import select, union
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.core.records import (
    ArtifactRecord,
    DatasetRecord,
    GraphRecord,
    ImageRecord,
    JobRecord,
    ModelRecord,
    UploadRecord,
)
from service.wiring import Zoo

log = structlog.get_logger(__name__)

# A file is stored before the row that names it; no job or upload takes this long in between.
KEPT_SECONDS = 24 * 3600.0
LOOKED_UP_AT_ONCE = 1000

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


def collect(zoo: Zoo, *, kept_seconds: float = KEPT_SECONDS) -> int:
    """Delete unnamed files that nobody has touched for so long; tells how many there were.

    The store must belong to this zoo alone: files that only another database names are lost.
    """
    deleted = 0
    for digests in _portions(zoo.blobs.untouched(kept_seconds)):
        with zoo.transaction() as session:
            unnamed = set(digests) - named(session, digests)
        for sha256 in unnamed:
            zoo.blobs.delete(sha256)
        deleted += len(unnamed)
    if deleted:
        log.info("deleted unused files", files=deleted)
    return deleted


def named(session: Session, digests: tuple[str, ...]) -> set[str]:
    """Those of the digests that some row names."""
    found = union(*(select(column).where(column.in_(digests)) for column in _NAMED_IN))
    return {str(row[0]) for row in session.execute(found)}


def _portions(digests: Iterator[str]) -> Iterator[tuple[str, ...]]:
    """The digests, some at a time."""
    while portion := tuple(islice(digests, LOOKED_UP_AT_ONCE)):
        yield portion
