"""Deletes stored files that no row references, such as those of fenced workers and removed models."""

from collections.abc import Iterator
from itertools import islice

import structlog

from service.container import Zoo
from service.core.operations.zoo.blob_names import named

log = structlog.get_logger(__name__)

# A file is stored before the row that references it; no job or upload takes longer in between.
MIN_AGE_SECONDS = 24 * 3600.0
BATCH_SIZE = 1000


def collect(zoo: Zoo, *, min_age_seconds: float = MIN_AGE_SECONDS) -> int:
    """Delete unreferenced files of at least this age; return their number.

    The store must belong to this zoo alone: files that only another database references are lost.
    """
    deleted = 0
    for digests in _batches(zoo.blobs.older_than(min_age_seconds)):
        with zoo.transaction() as session:
            unnamed = set(digests) - named(session, digests)
        for sha256 in unnamed:
            zoo.blobs.delete(sha256)
        deleted += len(unnamed)
    if deleted:
        log.info("deleted unused files", files=deleted)
    return deleted


def _batches(digests: Iterator[str]) -> Iterator[tuple[str, ...]]:
    """The digests in batches."""
    while batch := tuple(islice(digests, BATCH_SIZE)):
        yield batch
