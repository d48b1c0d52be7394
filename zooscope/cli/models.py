"""``zooscope models``: the networks of the zoo."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from zooscope import ZooClientError
from zooscope.cli.context import CliContext, command
from zooscope.cli.lineages import tree_of
from zooscope.cli.output import (
    Overflow,
    TableColumn,
    bytes_bar,
    format_count,
    format_score,
    id_column,
)
from zooscope.client.maps import Theme
from zooscope.client.models import Direction

app = typer.Typer(help="Networks: upload, list, show, delete, download.", no_args_is_help=True)

ModelId = Annotated[str, typer.Argument(metavar="MODEL", help="Id of the network, mdl_…")]
ProbeSet = Annotated[str, typer.Option("--dataset", help="Id of the probe set, dst_…")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Output file.", dir_okay=False)]

COLUMNS = (
    id_column("id", "id"),
    TableColumn("name", lambda model: model["name"]),
    TableColumn("state", lambda model: model["state"], overflow=Overflow.KEEP),
    TableColumn("task", lambda model: model["task"]["kind"]),
    TableColumn(
        "parameters", lambda model: format_count(model.get("parameters")), "right", Overflow.HIDE
    ),
    TableColumn("tags", lambda model: ", ".join(model["tags"]), overflow=Overflow.HIDE),
)


@command(app)
def push(
    context: CliContext,
    *,
    path: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A .pt2 or .safetensors file.")
    ],
    manifest: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Manifest (JSON); default: the one that `pack` wrote next to PATH.",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name that replaces the manifest's.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Additional tag; repeatable.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until the zoo has checked the network.")] = True,
) -> None:
    """Upload a network. An interrupted upload resumes automatically."""
    content = _manifest(path, manifest, name=name, tags=tag or [])
    with bytes_bar(path.name) as on_progress:
        model = context.zoo.models.push(path, content, on_progress=on_progress)
    if wait:
        model = context.zoo.models.wait(model["id"])
    context.out.done(model, f"{model['id']}  {model['name']}  {model['state']}")
    if model["state"] == "rejected":
        raise rejected(model)


def _manifest(
    path: Path, chosen: Path | None, *, name: str | None, tags: list[str]
) -> dict[str, Any]:
    """The manifest of a file, with the changes from the command line."""
    packed = path.with_suffix(".manifest.json")
    source = chosen or (packed if packed.exists() else path.with_suffix(".json"))
    try:
        manifest: dict[str, Any] = json.loads(source.read_text())
    except (OSError, ValueError) as error:
        raise ZooClientError(
            f"cannot read the manifest {source}: {error}",
            code="manifest_unreadable",
            remedy="write one with `zooscope pack`, or pass one with --manifest",
        ) from error
    if name is not None:
        manifest["name"] = name
    if tags:
        manifest["tags"] = [*manifest.get("tags", []), *tags]
    return manifest


def rejected(resource: Any) -> ZooClientError:
    """The error for a rejected network or dataset: its first problem."""
    first = next(iter(resource.get("problems") or []), None)
    return ZooClientError.of(first, code="rejected", detail="the zoo rejected it")


@command(app)
def ls(
    context: CliContext,
    *,
    state: Annotated[str | None, typer.Option(help="State, such as ready or rejected.")] = None,
    task: Annotated[str | None, typer.Option(help="Kind of task.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only networks with this tag.")] = None,
    name: Annotated[str | None, typer.Option(help="Part of the name.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Maximum number to list.")] = None,
) -> None:
    """List networks, newest first."""
    models = context.zoo.models.ls(state=state, task=task, tag=tag, name=name, limit=limit)
    context.out.rows(
        models, COLUMNS, empty="no matching networks; upload one with `zooscope models push`"
    )


@command(app)
def show(context: CliContext, *, model: ModelId) -> None:
    """Show all fields of a network."""
    context.out.item(context.zoo.models.show(model))


@command(app)
def rm(context: CliContext, *, model: ModelId) -> None:
    """Delete a network and its measurements."""
    context.zoo.models.rm(model)
    context.out.done({"id": model, "removed": True}, f"{model} deleted")


@command(app)
def download(context: CliContext, *, model: ModelId, out: Out) -> None:
    """Download the file as it was uploaded."""
    with bytes_bar(model) as on_progress:
        context.zoo.models.download(model, out, on_progress=on_progress)
    context.out.done({"id": model, "path": str(out)}, f"{model} written to {out}")


@command(app)
def layers(context: CliContext, *, model: ModelId) -> None:
    """List the layers that you can read or cut at."""
    columns = (
        TableColumn("name", lambda layer: layer["name"]),
        TableColumn("kind", lambda layer: layer["kind"]),
        TableColumn("shape", lambda layer: " × ".join(map(str, layer["shape"]))),
    )
    context.out.rows(
        context.zoo.models.layers(model),
        columns,
        empty="no layers yet; the network is not checked",
    )


@command(app)
def lineage(
    context: CliContext,
    *,
    model: ModelId,
    direction: Annotated[
        Direction, typer.Option(help="Ancestors, descendants, or both.")
    ] = "both",
    generations: Annotated[
        int, typer.Option(min=1, help="Maximum number of steps from student to teacher.")
    ] = 10,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Output file: .svg, .graphml or .json."),
    ] = None,
    theme: Annotated[Theme, typer.Option(help="Colors of an .svg.")] = "light",
) -> None:
    """Show the ancestors and descendants of a network."""
    if out is None:
        lineage = context.zoo.models.lineage(model, direction=direction, generations=generations)
        context.out.drawing(lineage, tree_of(lineage))
        return
    context.zoo.models.draw_lineage(
        model, out, direction=direction, generations=generations, theme=theme
    )
    context.out.done({"id": model, "path": str(out)}, f"lineage written to {out}")


@command(app)
def neighbors(
    context: CliContext,
    *,
    model: ModelId,
    dataset: ProbeSet,
    k: Annotated[int, typer.Option("-k", min=1, help="Number of neighbors.")] = 10,
) -> None:
    """List the nearest networks on a probe set."""
    columns = (
        TableColumn("score", lambda near: format_score(near["score"]), "right", Overflow.KEEP),
        TableColumn("±", lambda near: format_score(near["error"]), "right", Overflow.KEEP),
        id_column("id", "model_id"),
        TableColumn("name", lambda near: near["name"]),
    )
    neighbors = context.zoo.models.neighbors(model, dataset_id=dataset, k=k)
    context.out.rows(neighbors, columns, empty="no other network is measured on this probe set")


@command(app)
def attribution(
    context: CliContext,
    *,
    model: ModelId,
    dataset: ProbeSet,
    out: Out,
    index: Annotated[int, typer.Option(min=0, help="Position of the image, from 0.")] = 0,
    method: Annotated[
        str | None, typer.Option(help="Attribution method, such as gxi, saliency, elrp.")
    ] = None,
    layer: Annotated[str | None, typer.Option(help="Layer; default: the feature layer.")] = None,
    style: Annotated[str | None, typer.Option(help="Style: overlay, signed or absolute.")] = None,
) -> None:
    """Compute the heat map of a network on one image."""
    picture = context.zoo.models.attribution(
        model, dataset_id=dataset, index=index, method=method, layer=layer, style=style
    )
    out.write_bytes(picture)
    context.out.done({"id": model, "path": str(out)}, f"heat map written to {out}")
