"""``zooscope datasets``: the sets of images."""

from pathlib import Path
from typing import Annotated

import typer

from zooscope.cli.context import CliContext, command
from zooscope.cli.models import rejected
from zooscope.cli.output import Overflow, TableColumn, bytes_bar, id_column

app = typer.Typer(help="Sets of images: send, look, remove.", no_args_is_help=True)

DatasetId = Annotated[str, typer.Argument(metavar="DATASET", help="Id of a set, dst_…")]

COLUMNS = (
    id_column("id", "id"),
    TableColumn("name", lambda dataset: dataset["name"]),
    TableColumn("state", lambda dataset: dataset["state"], overflow=Overflow.KEEP),
    TableColumn(
        "images", lambda dataset: str(dataset.get("images") or "–"), "right", Overflow.KEEP
    ),
    TableColumn(
        "labels",
        lambda dataset: str(len(dataset.get("labels") or []) or "–"),
        "right",
        Overflow.KEEP,
    ),
)


@command(app)
def push(
    context: CliContext,
    *,
    source: Annotated[
        list[Path],
        typer.Argument(exists=True, help="A zip, tar or Parquet file; a folder; or images."),
    ],
    name: Annotated[str | None, typer.Option(help="Default: the file's or folder's.")] = None,
    layout: Annotated[
        str | None, typer.Option(help="folders (labels), flat or parquet; guessed if not given.")
    ] = None,
    on_error: Annotated[str, typer.Option(help="What bad images do: fail or skip.")] = "fail",
    label: Annotated[list[str] | None, typer.Option(help="Fixes their order; repeatable.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until the zoo has checked it.")] = True,
) -> None:
    """Send images; sub-folders name classes; an interrupted upload goes on where it broke."""
    title = name or source[0].resolve().stem
    manifest = {
        "name": title,
        "layout": layout or _layout(source),
        "on_error": on_error,
        **({"labels": label} if label else {}),
    }
    with bytes_bar(title) as on_progress:
        images = source[0] if len(source) == 1 and _is_collection(source[0]) else source
        dataset = context.zoo.datasets.push(images, manifest, on_progress=on_progress)
    if wait:
        dataset = context.zoo.datasets.wait(dataset["id"])
    context.out.done(dataset, f"{dataset['id']}  {dataset['name']}  {dataset['state']}")
    if dataset["state"] == "rejected":
        raise rejected(dataset)


_COLLECTIONS = frozenset({".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".parquet"})


def _is_collection(path: Path) -> bool:
    """Whether one path stands for many images."""
    return path.is_dir() or path.suffix.lower() in _COLLECTIONS


def _layout(source: list[Path]) -> str:
    """How labels are written down, judged by what is sent."""
    first = source[0]
    if first.suffix.lower() == ".parquet":
        return "parquet"
    if first.is_dir():
        classes = [path for path in first.iterdir() if path.is_dir() and path.name[0] != "."]
        return "folders" if classes else "flat"
    return "folders" if _is_collection(first) else "flat"


@command(app)
def ls(
    context: CliContext,
    *,
    state: Annotated[str | None, typer.Option(help="Such as ready or rejected.")] = None,
    name: Annotated[str | None, typer.Option(help="Part of the name.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
) -> None:
    """List sets of images, newest first."""
    datasets = context.zoo.datasets.ls(state=state, name=name, limit=limit)
    context.out.rows(
        datasets, COLUMNS, empty="no set fits; send one with `zooscope datasets push`"
    )


@command(app)
def show(context: CliContext, *, dataset: DatasetId) -> None:
    """Show everything about a set of images."""
    context.out.item(context.zoo.datasets.show(dataset))


@command(app)
def rm(context: CliContext, *, dataset: DatasetId) -> None:
    """Remove a set of images and every measurement on it."""
    context.zoo.datasets.rm(dataset)
    context.out.done({"id": dataset, "removed": True}, f"{dataset} removed")
