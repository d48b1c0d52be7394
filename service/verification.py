"""Verifies every file of a zoo: what is stored has its digest, and what rows name is stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from service.container import Zoo
from service.core.errors import BlobDamagedError, NotFoundError
from service.core.operations.zoo import blob_names, damage


class FileStatus(StrEnum):
    """What verifying a file revealed."""

    WHOLE = "whole"
    DAMAGED = "damaged"
    MISSING = "missing"


@dataclass(frozen=True)
class VerifiedFile:
    """A file by digest; ``needed_by`` has the ids of the rows that name one that is not whole."""

    sha256: str
    status: FileStatus
    size_bytes: int = 0
    needed_by: tuple[str, ...] = ()


def verify_files(zoo: Zoo) -> Iterator[VerifiedFile]:
    """Verify every file; damaged ones are set aside, and what needs them or misses one is damaged."""
    stored: set[str] = set()
    for sha256 in zoo.blobs.digests():
        stored.add(sha256)
        verified = _verified(zoo, sha256)
        if verified is not None:
            yield verified
    for sha256 in list(zoo.blobs.set_aside_digests()):
        if sha256 not in stored:
            stored.add(sha256)
            zoo.blobs.set_aside(sha256)
            yield _not_whole(zoo, sha256, FileStatus.DAMAGED)
    yield from _missing(zoo, stored)


def _verified(zoo: Zoo, sha256: str) -> VerifiedFile | None:
    """The verified file; None if it was deleted meanwhile."""
    try:
        size_bytes = zoo.blobs.stamp(sha256).size_bytes
        zoo.blobs.verify(sha256)
    except BlobDamagedError:
        return _not_whole(zoo, sha256, FileStatus.DAMAGED)
    except NotFoundError:
        return None
    with zoo.transaction() as session:
        damage.repaired(session, sha256)
    return VerifiedFile(sha256, FileStatus.WHOLE, size_bytes)


def _missing(zoo: Zoo, stored: set[str]) -> Iterator[VerifiedFile]:
    """The files that rows name and the store lacks."""
    with zoo.transaction() as session:
        named = set(blob_names.all_named(session))
    for sha256 in sorted(named - stored):
        if zoo.blobs.exists(sha256):
            continue
        with zoo.transaction() as session:
            damage.record(session, sha256)
        yield _not_whole(zoo, sha256, FileStatus.MISSING)


def _not_whole(zoo: Zoo, sha256: str, status: FileStatus) -> VerifiedFile:
    with zoo.transaction() as session:
        return VerifiedFile(sha256, status, needed_by=blob_names.naming(session, sha256))
