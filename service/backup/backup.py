"""Writes a backup of a zoo while it runs."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session
from ulid import ULID

from service.backup.manifest import Manifest, write_manifest
from service.backup.store import BackupStore, blob_key
from service.backup.tables import revision_of, save_table, tables_of
from service.container import Zoo
from service.core.clock import now
from service.core.errors import BlobDamagedError, ConflictError, NotFoundError
from service.core.operations.zoo.blob_names import DELETION_LOCK, all_named
from service.database import unlimited
from service.migrate import MIGRATION_LOCK

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class BackupReport:
    """What a backup holds, and how many files had to be copied for it."""

    manifest: Manifest
    copied: int


def back_up(zoo: Zoo, store: BackupStore) -> BackupReport:
    """Write a backup of one moment, which replaces the previous one in the store once complete.

    Until it ends no file of the zoo is deleted; a second backup of the zoo waits. Files that the
    store already has are read and verified, not copied.

    Raises:
        ConflictError: ``nothing_to_back_up``, the database has no tables.
    """
    with (
        _files_kept(zoo),
        tempfile.TemporaryDirectory(dir=zoo.scratch, prefix="backup-") as scratch,
    ):
        report = _written(zoo, store, Path(scratch))
        write_manifest(store, report.manifest)
        _prune(store, report.manifest)
    return report


@contextmanager
def _files_kept(zoo: Zoo) -> Iterator[None]:
    """Nothing that a row refers to now is deleted while the block runs, or after a crash."""
    with (
        zoo.engine.connect() as connection,
        _lock(connection, DELETION_LOCK, "pg_advisory_lock", "pg_advisory_unlock"),
    ):
        yield


@contextmanager
def _tables_kept(connection: Connection) -> Iterator[None]:
    """No migration changes the tables while the block runs."""
    with _lock(connection, MIGRATION_LOCK, "pg_advisory_lock_shared", "pg_advisory_unlock_shared"):
        yield


@contextmanager
def _lock(connection: Connection, number: int, take: str, give: str) -> Iterator[None]:
    """Hold an advisory lock of the session, which outlives its transactions."""
    with connection.begin(), unlimited(connection):
        connection.execute(text(f"SELECT {take}({number})"))
    try:
        yield
    finally:
        with connection.begin():
            connection.execute(text(f"SELECT {give}({number})"))


def _written(zoo: Zoo, store: BackupStore, scratch: Path) -> BackupReport:
    """What is now in the store; only the manifest itself is still missing."""
    manifest = _saved_tables(zoo, store, scratch)
    copied = 0
    for sha256 in sorted(manifest.files):
        size_bytes = store.verified_size(blob_key(sha256), sha256=sha256)
        if size_bytes is None:
            size_bytes = _copied(zoo, store, sha256, scratch / sha256)
            copied += size_bytes is not None
        if size_bytes is None:
            _log.error("file_missing_or_damaged", sha256=sha256)
            del manifest.files[sha256]
            manifest.missing.append(sha256)
        else:
            manifest.files[sha256] = size_bytes
    return BackupReport(manifest, copied)


def _saved_tables(zoo: Zoo, store: BackupStore, scratch: Path) -> Manifest:
    """All tables and the digests they name, as of one moment; the sizes of files are still open."""
    snapshot = str(ULID())
    with zoo.engine.connect() as connection, _tables_kept(connection):
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin(), unlimited(connection):
            tables = tables_of(connection)
            if not tables:
                raise ConflictError(
                    "the database has no tables to back up",
                    code="nothing_to_back_up",
                    remedy="name the zoo's --home, or its database in ZOO_DATABASE_URL",
                )
            saved = [
                save_table(
                    connection,
                    table,
                    store,
                    key=f"tables/{snapshot}/{table.name}.copy",
                    draft=scratch / table.name,
                )
                for table in tables
            ]
            return Manifest(
                snapshot=snapshot,
                created_at=now(),
                revision=revision_of(connection),
                tables=saved,
                files=dict.fromkeys(all_named(Session(connection)), 0),
                missing=[],
            )


def _copied(zoo: Zoo, store: BackupStore, sha256: str, draft: Path) -> int | None:
    """The size of a file that is now in the store; None if the zoo has it no longer, or damaged."""
    digest = hashlib.sha256()
    try:
        with draft.open("wb") as file:
            for chunk in zoo.blobs.read(sha256):
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != sha256:
            return None
        store.put(blob_key(sha256), draft)
        return draft.stat().st_size
    except (NotFoundError, BlobDamagedError):
        return None
    finally:
        draft.unlink()


def _prune(store: BackupStore, manifest: Manifest) -> None:
    """Delete what belongs to earlier or unfinished backups alone."""
    needed = {table.key for table in manifest.tables} | set(map(blob_key, manifest.files))
    for prefix in ("tables", "blobs"):
        for key in list(store.keys(prefix)):
            if key not in needed:
                store.delete(key)
