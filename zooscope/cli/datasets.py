"""``zooscope datasets``: the datasets of the zoo."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from zooscope.cli.context import CliContext, command
from zooscope.cli.list_options import Count, Limit, Query, Size, print_counts
from zooscope.cli.model_uploads import rejected
from zooscope.cli.option_names import Fills
from zooscope.cli.output import Output, Overflow, TableColumn, bytes_bar, id_column
from zooscope.client.archives import Links
from zooscope.client.datasets import DatasetSort
from zooscope.client.results import Dataset, Note

app = typer.Typer(
    help="Datasets of images or clips: upload, list, show, save, delete.", no_args_is_help=True
)

_MOST_SHOWN = 5
_MOST_PROBLEMS_SHOWN = 20

DatasetId = Annotated[str, typer.Argument(metavar="DATASET", help="Id or name of the dataset.")]
ImageIndex = Annotated[int, typer.Option(min=0, help="Position of the image, from 0.")]
Out = Annotated[Path, typer.Option("--out", "-o", dir_okay=False, help="Output file.")]

COLUMNS = (
    id_column("id", "id"),
    TableColumn("name", lambda dataset: dataset["name"]),
    TableColumn("state", lambda dataset: dataset["state"], overflow=Overflow.KEEP),
    TableColumn("kind", lambda dataset: dataset["kind"], overflow=Overflow.KEEP),
    TableColumn(
        "items",
        lambda dataset: str(dataset.get("images") or dataset.get("clips") or "–"),
        "right",
        Overflow.KEEP,
    ),
    TableColumn(
        "labels",
        lambda dataset: str(len(dataset.get("labels") or []) or "–"),
        "right",
        Overflow.KEEP,
    ),
)

CLIP_COLUMNS = (
    TableColumn("index", lambda clip: str(clip["index"]), "right", Overflow.KEEP),
    TableColumn("name", lambda clip: clip["name"]),
    TableColumn("seconds", lambda clip: f"{clip['seconds']:.2f}", "right", Overflow.KEEP),
    TableColumn("speaker", lambda clip: clip.get("speaker") or "–"),
    TableColumn("transcript", lambda clip: clip["transcript"] or "–"),
    TableColumn("pinyin", lambda clip: " ".join(clip.get("pinyin") or []) or "–"),
    TableColumn("remarks", lambda clip: ", ".join(clip["remarks"]) or "–"),
)


@command(app)
def push(
    context: CliContext,
    *,
    source: Annotated[
        list[Path],
        typer.Argument(
            exists=True,
            help="A zip, tar or Parquet file, a folder, a CSV file with paths, or image files.",
        ),
    ],
    name: Annotated[
        str | None, typer.Option(help="Name; default: that of the file or folder.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="images (default), or clips with transcripts.")
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(
            help="folders (labels from files or folders), flat (no labels) or masks (of pixels)."
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Part to read, such as train, where there are several.")
    ] = None,
    label_folder: Annotated[
        str | None,
        typer.Option(help="first, last or path: which folders name the classes if several vary."),
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(help="Column of the labels in a table.")
    ] = None,
    image_column: Annotated[
        str | None, typer.Option(help="Column of the images in Parquet files.")
    ] = None,
    crop: Annotated[
        str | None,
        typer.Option(help="Of clips: found (lips of the face), given (--crop-box) or full."),
    ] = None,
    crop_box: Annotated[
        tuple[float, float, float, float] | None,
        typer.Option(help="Left, top, width and height of the crop in shares of the frame."),
    ] = None,
    transcript_column: Annotated[
        str | None, typer.Option(help="Column of the transcripts in a table.")
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(help="Encoding of names in an archive, such as gbk; default: detected."),
    ] = None,
    on_error: Annotated[
        str, typer.Option(help="What to do on unreadable files: fail or skip.")
    ] = "fail",
    label: Annotated[
        list[str] | None,
        typer.Option(help="Label; repeat to fix the label order."),
        Fills("labels"),
    ] = None,
    follow_links: Annotated[
        bool, typer.Option("--follow-links", help="Follow links that lead out of the folder.")
    ] = False,
    wait: Annotated[bool, typer.Option(help="Wait until the zoo has checked the dataset.")] = True,
) -> None:
    """Upload a dataset; sub-folders name classes. An interrupted upload resumes automatically."""
    title = name or source[0].resolve().stem
    options = {
        "kind": kind,
        "layout": layout,
        "split": split,
        "label_folder": label_folder,
        "label_column": label_column,
        "image_column": image_column,
        "crop": crop,
        "crop_box": crop_box,
        "transcript_column": transcript_column,
        "encoding": encoding,
        "labels": label or None,
    }
    chosen = {key: value for key, value in options.items() if value is not None}
    manifest = {"name": title, "on_error": on_error, **chosen}
    packing_notes: list[str] = []
    with bytes_bar(title) as on_progress:
        images = source[0] if len(source) == 1 and _is_collection(source[0]) else source
        dataset = context.zoo.datasets.push(
            images,
            manifest,
            links=Links.ANYWHERE if follow_links else Links.INSIDE,
            on_progress=on_progress,
            on_note=packing_notes.append,
        )
    if wait:
        dataset = context.zoo.datasets.wait(dataset["id"])
    _report(context.out, dataset, packing_notes)


@command(app)
def transcribe(
    context: CliContext,
    *,
    dataset: DatasetId,
    source: Annotated[
        Path,
        typer.Argument(
            exists=True,
            help="A CSV, TSV or JSON lines file that names clips, or a folder, zip or tar of texts.",
        ),
    ],
    name: Annotated[str, typer.Option(help="Name of the new dataset.")],
    transcript_column: Annotated[
        str | None, typer.Option(help="Column of the transcripts in a table.")
    ] = None,
    on_error: Annotated[
        str, typer.Option(help="What to do on clips without a usable transcript: fail or skip.")
    ] = "fail",
    wait: Annotated[bool, typer.Option(help="Wait until the zoo has checked the dataset.")] = True,
) -> None:
    """Make a dataset of the clips of another, with new transcripts, pinyin or speakers."""
    manifest = {"name": name, "on_error": on_error, "transcript_column": transcript_column}
    with bytes_bar(name) as on_progress:
        made = context.zoo.datasets.transcribe(dataset, source, manifest, on_progress=on_progress)
    if wait:
        made = context.zoo.datasets.wait(made["id"])
    _report(context.out, made, [])


def _report(out: Output, dataset: Dataset, packing_notes: Sequence[str]) -> None:
    """Print the dataset, and for people also what was assumed, left out or refused."""
    line = f"{dataset['id']}  {dataset['name']}  {dataset['state']}"
    out.done({**dataset, "packing_notes": list(packing_notes)}, line)
    for note in (*packing_notes, *map(_sentence, dataset.get("notes") or [])):
        out.note(f"note: {note}")
    problems = dataset.get("problems") or []
    if dataset["state"] != "rejected":
        for problem in problems[:1]:
            out.note(f"note: {problem['detail']}")
        return
    files = [problem for problem in problems if problem.get("name")]
    for problem in files[:_MOST_PROBLEMS_SHOWN]:
        out.note(f"{problem.get('name')}: {problem['detail']} ({problem['code']})")
    if len(files) > _MOST_PROBLEMS_SHOWN:
        rest = len(files) - _MOST_PROBLEMS_SHOWN
        out.note(f"{rest} more: zooscope datasets show {dataset['id']}")
    raise rejected(dataset)


def _sentence(note: Note) -> str:
    """A remark with the number of files and the first of their names."""
    if not note["count"]:
        return note["detail"]
    names = note["names"][:_MOST_SHOWN]
    more = f" and {note['count'] - len(names)} more" if note["count"] > len(names) else ""
    return f"{note['detail']} ({note['count']}): {', '.join(names)}{more}"


_COLLECTIONS = frozenset(
    {".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".parquet", ".csv", ".tsv", ".jsonl", ".ndjson"}
)


def _is_collection(path: Path) -> bool:
    """Whether one path stands for many images."""
    return path.is_dir() or path.suffix.lower() in _COLLECTIONS


@command(app)
def ls(
    context: CliContext,
    *,
    state: Annotated[str | None, typer.Option(help="State, such as ready or rejected.")] = None,
    kind: Annotated[str | None, typer.Option(help="images or clips.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only datasets with this tag.")] = None,
    name: Annotated[str | None, typer.Option(help="Part of the name.")] = None,
    query: Query = None,
    size: Size = None,
    sort: Annotated[DatasetSort, typer.Option(help="Field to sort by.")] = "-created_at",
    limit: Limit = None,
    count: Count = False,
) -> None:
    """List datasets, newest first."""
    filters: Any = {
        "q": query,
        "state": state,
        "kind": kind,
        "tag": tag,
        "name": name,
        "size": size,
    }
    if count:
        print_counts(context, context.zoo.datasets.counts(**filters))
        return
    context.out.rows(
        context.zoo.datasets.ls(sort=sort, limit=limit, **filters),
        COLUMNS,
        empty="no matching datasets; upload one with `zooscope datasets push`",
    )


@command(app)
def show(context: CliContext, *, dataset: DatasetId) -> None:
    """Show all fields of a dataset."""
    context.out.item(context.zoo.datasets.show(dataset))


@command(app)
def clips(context: CliContext, *, dataset: DatasetId, limit: Limit = None) -> None:
    """List the clips of a dataset with their transcripts."""
    context.out.rows(
        context.zoo.datasets.clips(dataset, limit=limit), CLIP_COLUMNS, empty="no clips"
    )


@command(app)
def rm(context: CliContext, *, dataset: DatasetId) -> None:
    """Delete a dataset and every measurement on it."""
    context.zoo.datasets.rm(dataset)
    context.out.done({"id": dataset, "removed": True}, f"{dataset} deleted")


@command(app)
def image(context: CliContext, *, dataset: DatasetId, out: Out, index: ImageIndex = 0) -> None:
    """Save an image as it was uploaded."""
    _save(context, dataset, context.zoo.datasets.image(dataset, index), out)


@command(app)
def mask(context: CliContext, *, dataset: DatasetId, out: Out, index: ImageIndex = 0) -> None:
    """Save the mask of an image: a PNG whose values are indices of the labels, 255 for none."""
    _save(context, dataset, context.zoo.datasets.mask(dataset, index), out)


def _save(context: CliContext, dataset: str, data: bytes, out: Path) -> None:
    out.write_bytes(data)
    context.out.done({"id": dataset, "path": str(out)}, f"written to {out}")
