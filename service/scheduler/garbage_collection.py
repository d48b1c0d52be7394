"""Deletes stored files that no row references, such as those of fenced workers and removed models."""

from collections.abc import Iterator
from itertools import islice

import structlog

from service.container import Zoo
from service.core.operations.zoo import damage
from service.core.operations.zoo.blob_names import deletable

log = structlog.get_logger(__name__)

# A file is stored before the row that references it; no job or upload takes longer in between.
MIN_AGE_SECONDS = 24 * 3600.0
BATCH_SIZE = 1000


def collect(zoo: Zoo, *, min_age_seconds: float = MIN_AGE_SECONDS) -> int:
    """Delete unreferenced files of at least this age; return their number.

    It deletes nothing while a backup runs, which may still have to copy what was referenced.
    The store must belong to this zoo alone: files that only another database references are lost.
    """
    deleted = 0
    for digests in _batches(zoo.blobs.older_than(min_age_seconds)):
        with zoo.transaction() as session:
            unnamed = deletable(session, digests)
            for sha256 in unnamed:
                zoo.blobs.delete(sha256)
        deleted += len(unnamed)
    deleted += _collect_damaged(zoo)
    if deleted:
        log.info("deleted unused files", files=deleted)
    return deleted


def _collect_damaged(zoo: Zoo) -> int:
    """Delete damaged files that no row needs any more; return their number."""
    aside = set(zoo.blobs.set_aside_digests())
    with zoo.transaction() as session:
        unnamed = damage.forget_unnamed(session, aside)
    for sha256 in unnamed:
        zoo.blobs.delete(sha256)
    return len(unnamed)


def _batches(digests: Iterator[str]) -> Iterator[tuple[str, ...]]:
    """The digests in batches."""
    while batch := tuple(islice(digests, BATCH_SIZE)):
        yield batch
