"""``zooscope datasets``: the datasets of the zoo."""

from pathlib import Path
from typing import Annotated

import typer

from zooscope.cli.context import CliContext, command
from zooscope.cli.models import rejected
from zooscope.cli.output import Overflow, TableColumn, bytes_bar, id_column

app = typer.Typer(help="Datasets of images: upload, list, show, delete.", no_args_is_help=True)

DatasetId = Annotated[str, typer.Argument(metavar="DATASET", help="Id of the dataset, dst_…")]

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
        typer.Argument(exists=True, help="A zip, tar or Parquet file, a folder, or image files."),
    ],
    name: Annotated[
        str | None, typer.Option(help="Name; default: that of the file or folder.")
    ] = None,
    layout: Annotated[
        str | None, typer.Option(help="folders (labels), flat or parquet; default: detected.")
    ] = None,
    on_error: Annotated[
        str, typer.Option(help="What to do on unreadable images: fail or skip.")
    ] = "fail",
    label: Annotated[
        list[str] | None, typer.Option(help="Label; repeat to fix the label order.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait until the zoo has checked the dataset.")] = True,
) -> None:
    """Upload a dataset; sub-folders name classes. An interrupted upload resumes automatically."""
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
    """The layout of the labels, detected from the files."""
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
    state: Annotated[str | None, typer.Option(help="State, such as ready or rejected.")] = None,
    name: Annotated[str | None, typer.Option(help="Part of the name.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Maximum number to list.")] = None,
) -> None:
    """List datasets, newest first."""
    datasets = context.zoo.datasets.ls(state=state, name=name, limit=limit)
    context.out.rows(
        datasets, COLUMNS, empty="no matching datasets; upload one with `zooscope datasets push`"
    )


@command(app)
def show(context: CliContext, *, dataset: DatasetId) -> None:
    """Show all fields of a dataset."""
    context.out.item(context.zoo.datasets.show(dataset))


@command(app)
def rm(context: CliContext, *, dataset: DatasetId) -> None:
    """Delete a dataset and every measurement on it."""
    context.zoo.datasets.rm(dataset)
    context.out.done({"id": dataset, "removed": True}, f"{dataset} deleted")
