"""``zooscope backup`` and ``zooscope restore``: the whole zoo to a folder or bucket, and back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.exc import SQLAlchemyError

from service.backup.backup import back_up
from service.backup.manifest import Manifest, read_manifest
from service.backup.restore import restore as restore_zoo
from service.backup.store import BackupStore
from service.container import Zoo, zoo_from
from service.core.counts import counted
from service.core.errors import ConflictError, ZooError
from service.embedded.home import Home, foreign_entry
from service.embedded.home_database import with_database
from service.embedded.opened import opened
from service.logs import start_logging
from service.settings import Settings
from service.views.foreseen import foreseen
from zooscope.cli.up import HomeOption, fail, settings_with

_CONNECTIONS = 3

Target = Annotated[
    str,
    typer.Argument(metavar="TARGET", help="A folder, or s3://bucket/prefix.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def backup(target: Target, home: HomeOption = None, as_json: AsJson = False) -> None:
    """Back up the zoo while it runs; exit 1 if files of the zoo were missing or damaged."""
    settings = settings_with(home=home, port=None, grpc_port=None)
    start_logging(settings)
    with _errors(as_json), opened(settings) as zoo:
        report = back_up(zoo, _store(target, settings))
    summary = _summary(target, report.manifest) | {"copied": report.copied}
    text = f"backed up to {target}: {_counts(report.manifest)}, {report.copied} of them copied"
    _print(summary, text, as_json)
    for sha256 in report.manifest.missing:
        typer.echo(f"zooscope: missing or damaged, not in the backup: {sha256}", err=True)
    if report.manifest.missing:
        raise typer.Exit(1)


def restore(target: Target, home: HomeOption = None, as_json: AsJson = False) -> None:
    """Restore a backup into a new home folder, or into an empty database."""
    settings = settings_with(home=home, port=None, grpc_port=None)
    start_logging(settings)
    with _errors(as_json):
        store = _stored(target, settings)
        _require_own(settings.folder)
        folder = Home(settings.folder)
        with _opened(settings) as zoo:
            report = restore_zoo(zoo, store)
            folder.write_admin_key(report.admin_key)
    summary = _summary(target, report.manifest) | {
        "requeued": list(report.requeued),
        "admin_key_file": str(folder.admin_key),
    }
    text = (
        f"restored {target}: {_counts(report.manifest)}, {counted(len(report.requeued), 'job')} queued again\n"
        f"a new administrator's key is in {folder.admin_key}"
    )
    _print(summary, text, as_json)


def _require_own(folder: Path) -> None:
    """The home folder is new, empty, or left by a restore that was interrupted.

    Raises:
        ConflictError: ``restore_target_not_empty``, naming what else is there.
    """
    entry = foreign_entry(folder)
    if entry is not None:
        raise ConflictError(
            f"the home folder {folder} holds {entry.name}, which is not part of a zoo",
            code="restore_target_not_empty",
            remedy="choose a --home that is empty or does not exist, or move the file away",
        )


@contextmanager
def _opened(settings: Settings) -> Iterator[Zoo]:
    """The zoo of the settings, whether or not it runs."""
    with with_database(settings, Home(settings.folder)) as addressed:
        zoo = zoo_from(addressed, connections=_CONNECTIONS)
        try:
            yield zoo
        finally:
            zoo.close()


def _store(target: str, settings: Settings) -> BackupStore:
    return BackupStore(target, endpoint=settings.storage_endpoint)


def _stored(target: str, settings: Settings) -> BackupStore:
    """A complete backup, looked at before anything is created for it.

    Raises:
        ConflictError: ``backup_incomplete``: there is none.
    """
    if "://" not in target and not Path(target).is_dir():
        raise ConflictError(
            f"there is no folder {target}",
            code="backup_incomplete",
            remedy="check the path, or write a backup with `zooscope backup`",
        )
    store = _store(target, settings)
    read_manifest(store)
    return store


@contextmanager
def _errors(as_json: bool) -> Iterator[None]:
    """Print an error of the block, as JSON if wanted, and exit with status 1."""
    try:
        yield
    except (ZooError, SQLAlchemyError) as error:
        expected = foreseen(error)
        if expected is None:
            raise
        if not as_json:
            fail(expected)
        problem = {"code": expected.code, "detail": expected.detail, "remedy": expected.remedy}
        typer.echo(json.dumps(problem), err=True)
        raise typer.Exit(1) from error


def _summary(target: str, manifest: Manifest) -> dict[str, Any]:
    return {
        "target": target,
        "created_at": manifest.created_at.isoformat(),
        "revision": manifest.revision,
        "rows": {table.name: table.rows for table in manifest.tables},
        "files": len(manifest.files),
        "bytes": sum(manifest.files.values()),
        "missing": manifest.missing,
    }


def _counts(manifest: Manifest) -> str:
    rows = sum(table.rows for table in manifest.tables)
    return f"{len(manifest.tables)} tables with {counted(rows, 'row')}, {counted(len(manifest.files), 'file')}"


def _print(summary: dict[str, Any], text: str, as_json: bool) -> None:
    typer.echo(json.dumps(summary, indent=2) if as_json else text)
