"""``zooscope import``: networks of libraries, hubs, checkpoints, files of ONNX and Keras, and folders, in one command."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from service.core.counts import counted
from service.core.errors import ZooError
from zooscope import ZooClientError
from zooscope.cli.context import CliContext
from zooscope.cli.import_options import (
    FOR_CHECKPOINTS,
    ImportEnd,
    ImportOptions,
    import_command,
)
from zooscope.cli.import_progress import import_bar
from zooscope.cli.output import Overflow, TableColumn

app = typer.Typer(
    help="Import networks: from timm, torchvision, the Hugging Face hub, checkpoints, ONNX, Keras, folders.",
    no_args_is_help=True,
)

Name = Annotated[str | None, typer.Option("--name", help="Name in the zoo; default: its own.")]
_LIBRARIES = ("torch", "torchvision", "timm")

REPORT = (
    TableColumn("file", lambda row: row["title"]),
    TableColumn("kind", lambda row: row["kind"]),
    TableColumn("state", lambda row: row["state"], overflow=Overflow.KEEP),
    TableColumn("network", lambda row: row["id"] or "–", overflow=Overflow.KEEP),
    TableColumn("notes", lambda row: row["notes"]),
)


@import_command(app, "timm")
def from_timm(
    context: CliContext,
    options: ImportOptions,
    *,
    network: Annotated[str, typer.Argument(metavar="NAME[.TAG]", help="Name in timm.")],
    name: Name = None,
) -> None:
    """Import a network of timm with its published weights."""
    _import_named(context, options, origin="timm", what=network, name=name)


@import_command(app, "torchvision")
def from_torchvision(
    context: CliContext,
    options: ImportOptions,
    *,
    network: Annotated[
        str, typer.Argument(metavar="NAME[:WEIGHTS]", help="Name in torchvision, and its weights.")
    ],
    name: Name = None,
) -> None:
    """Import a classifier or segmentation network of torchvision with its published weights."""
    _import_named(context, options, origin="torchvision", what=network, name=name)


@import_command(app, "hf")
def from_hub(
    context: CliContext,
    options: ImportOptions,
    *,
    network: Annotated[
        str,
        typer.Argument(
            metavar="REPOSITORY[@REVISION]|FOLDER", help="Repository of the hub, or a folder."
        ),
    ],
    name: Name = None,
) -> None:
    """Import a network of the Hugging Face hub, or a folder that timm or transformers saved."""
    _import_named(context, options, origin="hf", what=network, name=name)


@import_command(app, "checkpoint", FOR_CHECKPOINTS)
def from_checkpoint(
    context: CliContext,
    options: ImportOptions,
    *,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Checkpoint, one of its shards, or their index.")
    ],
    manifest: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Manifest (JSON); options override it."),
    ] = None,
    name: Name = None,
) -> None:
    """Import a checkpoint of your own. Its network is built by your callable, on this machine."""
    _import_named(context, options, origin="checkpoint", what=file, name=name, manifest=manifest)


@import_command(app, "onnx")
def from_onnx(
    context: CliContext,
    options: ImportOptions,
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help="ONNX file.")],
    manifest: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Manifest (JSON); options override it."),
    ] = None,
    name: Name = None,
) -> None:
    """Import an ONNX file. The zoo reads it itself; its size is taken from the file if it is fixed."""
    _import_named(context, options, origin="onnx", what=file, name=name, manifest=manifest)


@import_command(app, "keras")
def from_keras(
    context: CliContext,
    options: ImportOptions,
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help="File that Keras 3 saved (.keras).")],
    manifest: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Manifest (JSON); options override it."),
    ] = None,
    name: Name = None,
) -> None:
    """Import a network of Keras 3, which your own Keras loads on its torch backend."""
    _import_named(context, options, origin="keras", what=file, name=name, manifest=manifest)


@import_command(app, "folder", FOR_CHECKPOINTS)
def from_folder(
    context: CliContext,
    options: ImportOptions,
    *,
    folder: Annotated[Path, typer.Argument(exists=True, help="Folder with networks.")],
) -> None:
    """Import every network in a folder. Run it again to resume: what the zoo has is skipped.

    Options state what the files do not. A manifest NAME.manifest.json beside a checkpoint is read.
    """
    with _errors_of_packing():
        from zooscope.packing.sources import contents_of

        contents = contents_of(folder)
        details = options.details()
    rows = [_row(context, options, entry, details, root=folder) for entry in contents.entries]
    rows += [_skipped_row(file, root=folder) for file in contents.skipped]
    context.out.rows(rows, REPORT, empty="no networks in this folder")
    others = contents.without_network
    if others:
        typer.echo(f"{others} other files hold no network", err=True)
    failed = [row for row in rows if row["state"] == "failed"]
    if failed:
        raise ZooClientError(
            f"{len(failed)} of {counted(len(rows), 'network')} could not be imported",
            code="import_incomplete",
            remedy="follow the notes in the table, then run the command again",
        )


def _import_named(
    context: CliContext,
    options: ImportOptions,
    *,
    origin: str,
    what: str,
    name: str | None,
    manifest: Path | None = None,
) -> None:
    """Import one network and print what became of it."""
    with _errors_of_packing():
        from zooscope.packing.sources import NAMED

        details = options.details(name=name, manifest=manifest)
        network = NAMED[origin](what, details)
        outcome = _outcome(context, options, network, details.over)
    for note in outcome.notes:
        typer.echo(f"note: {note}", err=True)
    context.out.done(outcome.as_json(), outcome.line())


def _row(
    context: CliContext, options: ImportOptions, entry: Any, details: Any, *, root: Path
) -> dict[str, Any]:
    """What became of one entry of a folder, as a row of the report."""
    row = {
        "title": str(entry.path.relative_to(root)),
        "kind": entry.kind,
        "id": None,
        "error": None,
    }
    try:
        with _errors_of_packing():
            network = entry.read(details)
            outcome = _outcome(context, options, network, details.under)
    except ZooClientError as error:
        if error.status == 0 and error.code in {"unreachable", "unauthenticated"}:
            raise
        reason = {"code": error.code, "detail": error.detail, "remedy": error.remedy}
        notes = f"{error.detail} ({error.code}); {error.remedy or ''}"
        return row | {"state": "failed", "notes": notes, "error": reason}
    id_ = outcome.model["id"] if outcome.model is not None else None
    return row | {"state": outcome.state, "id": id_, "notes": "; ".join(outcome.notes)}


def _skipped_row(file: Any, *, root: Path) -> dict[str, Any]:
    """A file that only looks like a network, as a row of the report."""
    return {
        "title": str(file.path.relative_to(root)),
        "kind": file.kind.value,
        "state": "skipped",
        "id": None,
        "notes": file.reason,
        "error": None,
    }


def _outcome(
    context: CliContext, options: ImportOptions, network: Any, complete: Callable[..., Any]
) -> Any:
    """Import a network, or only plan it."""
    from zooscope.cli.import_run import import_network, plan

    ending = options.ending
    if ending is ImportEnd.PLAN:
        return plan(network, complete)
    # What libraries and modules of the user print is no part of the result.
    with import_bar(network.title) as progress, redirect_stdout(sys.stderr):
        return import_network(context.zoo, network, complete, progress, ending=ending)


@contextmanager
def _errors_of_packing() -> Iterator[None]:
    """Errors of packing become those of the command; missing libraries are named."""
    missing = [library for library in _LIBRARIES if find_spec(library) is None]
    if missing:
        raise ZooClientError(
            f"importing networks needs {', '.join(missing)}",
            code=f"{missing[0]}_missing",
            remedy="pip install 'zooscope[pack]'",
        )
    try:
        yield
    except ZooError as error:
        raise ZooClientError(error.detail, code=error.code, remedy=error.remedy) from error
    except (OSError, MemoryError) as error:
        raise ZooClientError(
            f"this machine failed: {error!r}",
            code="internal",
            remedy="check free space, memory and permissions, then try again",
        ) from error
