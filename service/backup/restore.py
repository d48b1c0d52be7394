"""Restores a backup into an empty database, all of it or nothing."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from sqlalchemy import Connection, Engine, delete, inspect, select, text, update
from sqlalchemy.orm import Session

from service.backup.manifest import Manifest, read_manifest
from service.backup.store import BackupStore, blob_key, damaged
from service.backup.tables import advance_sequences, clear_tables, load_table, tables_of
from service.container import Zoo, store_of
from service.core.blobs import BlobStore
from service.core.errors import (
    BlobDamagedError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
)
from service.core.operations.access import keys
from service.core.operations.jobs import lifecycle
from service.core.tables import (
    JobRecord,
    JobState,
    ProjectEventRecord,
    UploadRecord,
    UploadState,
)
from service.database import unlimited
from service.migrate import MIGRATION_LOCK, configuration, knows_revision


@dataclass(frozen=True)
class RestoreReport:
    """What was restored, the running jobs that are queued again, and a new administrator's key.

    Keys of the backup stay valid; their secrets are not in it.
    """

    manifest: Manifest
    requeued: tuple[str, ...]
    admin_key: str


def restore(zoo: Zoo, store: BackupStore) -> RestoreReport:
    """The zoo holds what the backup holds, in the tables of this release.

    Files come first. The tables appear in one transaction, so a restore that was interrupted leaves
    no table and can be repeated.

    Raises:
        ConflictError: ``restore_target_not_empty``, or ``backup_incomplete``.
        InvalidRequestError: ``backup_newer_schema``, or ``backup_unreadable``.
        UnavailableError: ``backup_damaged``; no table was restored.
    """
    manifest = read_manifest(store)
    if not knows_revision(manifest.revision):
        raise _newer(manifest)
    _require_empty(zoo.engine)
    # Not the verified store, which records what it finds in tables that do not exist yet.
    files = store_of(zoo.settings)
    for sha256 in sorted(manifest.files):
        _restore_file(files, zoo.staging, store, sha256)
    with zoo.engine.begin() as connection, unlimited(connection):
        return _restore_tables(connection, manifest, store)


def _require_empty(database: Engine | Connection) -> None:
    tables = inspect(database).get_table_names()
    if tables:
        raise ConflictError(
            f"the database already has {len(tables)} tables, such as {min(tables)}",
            code="restore_target_not_empty",
            remedy="choose a new --home, or point ZOO_DATABASE_URL at an empty database",
        )


def _newer(manifest: Manifest) -> InvalidRequestError:
    return InvalidRequestError(
        f"the backup has the schema {manifest.revision}, which this release does not know",
        code="backup_newer_schema",
        remedy="install the release that wrote the backup, or a later one",
    )


def _restore_file(files: BlobStore, staging: Path, store: BackupStore, sha256: str) -> None:
    """``files`` has this file, verified. Raises UnavailableError if the backup's is damaged."""
    if _is_stored(files, sha256):
        return
    draft = staging / f"restored-{sha256}"
    try:
        digest = _fetched(store, sha256, draft)
        if digest != sha256:
            raise damaged(store, blob_key(sha256))
        files.add(draft, sha256=sha256)
    finally:
        draft.unlink(missing_ok=True)


def _is_stored(files: BlobStore, sha256: str) -> bool:
    """Whether the store already has the file, say from an interrupted restore, and undamaged."""
    digest = hashlib.sha256()
    try:
        for chunk in files.read(sha256):
            digest.update(chunk)
    except (NotFoundError, BlobDamagedError):
        return False
    return digest.hexdigest() == sha256


def _fetched(store: BackupStore, sha256: str, draft: Path) -> str | None:
    """The digest of the bytes now in ``draft``; None if the backup has none."""
    digest = hashlib.sha256()
    try:
        with draft.open("wb") as file:
            for chunk in store.read(blob_key(sha256)):
                digest.update(chunk)
                file.write(chunk)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


def _restore_tables(
    connection: Connection, manifest: Manifest, store: BackupStore
) -> RestoreReport:
    """Fill the tables as they were, upgrade them, and requeue the jobs that ran."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    _require_empty(connection)
    command.upgrade(configuration(connection), manifest.revision)
    _require_all_tables(connection, manifest, store)
    clear_tables(connection)
    for table in manifest.tables:
        load_table(connection, table, store)
    advance_sequences(connection)
    command.upgrade(configuration(connection), "head")
    with Session(connection) as session:
        requeued = _requeue(session)
        # Readers of events cannot resume in another database.
        session.execute(delete(ProjectEventRecord))
        session.execute(delete(UploadRecord).where(UploadRecord.state != UploadState.USED))
        key = keys.issue(
            session,
            project=keys.DEFAULT_PROJECT,
            name="restored",
            scopes=[keys.Scope.ADMIN, keys.Scope.OPERATOR],
        )
        session.flush()
    return RestoreReport(manifest, requeued, key.token)


def _require_all_tables(connection: Connection, manifest: Manifest, store: BackupStore) -> None:
    """Require that the manifest names every table of its schema, and their columns."""
    expected = {table.name: set(table.columns) for table in tables_of(connection)}
    saved = {table.name: set(table.columns) for table in manifest.tables}
    if saved == expected and len(manifest.tables) == len(saved):
        return
    differing = sorted(
        name for name in expected.keys() | saved.keys() if expected.get(name) != saved.get(name)
    )
    raise InvalidRequestError(
        f"the manifest in {store.url} does not describe the tables of the schema"
        f" {manifest.revision}: {', '.join(differing[:5]) or 'one occurs twice'}",
        code="backup_unreadable",
        remedy="the manifest was changed after the backup; restore another backup",
    )


def _requeue(session: Session) -> tuple[str, ...]:
    """Queue every running job again: its worker is gone, and the attempt does not count."""
    running = select(JobRecord).where(JobRecord.state == JobState.RUNNING).with_for_update()
    jobs = session.scalars(running).all()
    for job in jobs:
        job.attempts -= 1
        lifecycle.requeue(session, job, {"code": "restored"}, delay_seconds=0.0)
    queued = update(JobRecord).where(JobRecord.state == JobState.QUEUED)
    session.execute(queued.values(announced_at=None))
    return tuple(job.id for job in jobs)
