"""Deletes stored files that no row names: what fenced workers and removed models left behind."""

from collections.abc import Iterator
from itertools import islice

import structlog

from service.container import Zoo
from service.core.operations.zoo.blob_names import named

log = structlog.get_logger(__name__)

# A file is stored before the row that names it; no job or upload takes this long in between.
KEPT_SECONDS = 24 * 3600.0
LOOKED_UP_AT_ONCE = 1000


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


def _portions(digests: Iterator[str]) -> Iterator[tuple[str, ...]]:
    """The digests, some at a time."""
    while portion := tuple(islice(digests, LOOKED_UP_AT_ONCE)):
        yield portion
