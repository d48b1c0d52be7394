"""``zooscope models``: the networks of the zoo."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from zooscope import ZooClientError
from zooscope.cli.context import Talk, command
from zooscope.cli.lineages import tree_of
from zooscope.cli.output import Give, TableColumn, bytes_bar, count_of, figure, id_column
from zooscope.client.maps import Theme
from zooscope.client.models import Direction

app = typer.Typer(help="Networks: send, look, remove, fetch.", no_args_is_help=True)

ModelId = Annotated[str, typer.Argument(metavar="MODEL", help="Id of a network, mdl_…")]
ProbeSet = Annotated[str, typer.Option("--dataset", help="Id of the probe set, dst_…")]
Out = Annotated[Path, typer.Option("--out", "-o", help="File to write.", dir_okay=False)]

COLUMNS = (
    id_column("id", "id"),
    TableColumn("name", lambda model: model["name"]),
    TableColumn("state", lambda model: model["state"], give=Give.STAYS),
    TableColumn("task", lambda model: model["task"]["kind"]),
    TableColumn(
        "parameters", lambda model: count_of(model.get("parameters")), "right", Give.LEAVES
    ),
    TableColumn("tags", lambda model: ", ".join(model["tags"]), give=Give.LEAVES),
)


@command(app)
def push(
    talk: Talk,
    *,
    path: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="pt2 or safetensors.")],
    manifest: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="JSON; default: the one that `pack` wrote beside PATH.",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Instead of the manifest's.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="One more tag; repeatable.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until the zoo has checked it.")] = True,
) -> None:
    """Send a network; an interrupted upload goes on where it broke."""
    said = _manifest(path, manifest, name=name, tags=tag or [])
    with bytes_bar(path.name) as on_progress:
        model = talk.zoo.models.push(path, said, on_progress=on_progress)
    if wait:
        model = talk.zoo.models.wait(model["id"])
    talk.out.done(model, f"{model['id']}  {model['name']}  {model['state']}")
    if model["state"] == "rejected":
        raise rejected(model)


def _manifest(
    path: Path, given: Path | None, *, name: str | None, tags: list[str]
) -> dict[str, Any]:
    """The manifest of a file, with what the command line changes in it."""
    packed = path.with_suffix(".manifest.json")
    source = given or (packed if packed.exists() else path.with_suffix(".json"))
    try:
        said: dict[str, Any] = json.loads(source.read_text())
    except (OSError, ValueError) as error:
        raise ZooClientError(
            f"no manifest could be read from {source}: {error}",
            code="manifest_unreadable",
            remedy="`zooscope pack` writes one; or name one with --manifest",
        ) from error
    if name is not None:
        said["name"] = name
    if tags:
        said["tags"] = [*said.get("tags", []), *tags]
    return said


def rejected(thing: Any) -> ZooClientError:
    """Why the check of a network or a dataset ended badly: its first problem."""
    problems = thing.get("problems") or [{"code": "rejected", "detail": "the zoo rejected it"}]
    first = problems[0]
    return ZooClientError(first["detail"], code=first["code"], remedy=first.get("remedy"))


@command(app)
def ls(
    talk: Talk,
    *,
    state: Annotated[str | None, typer.Option(help="Such as ready or rejected.")] = None,
    task: Annotated[str | None, typer.Option(help="Kind of task.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only with this tag.")] = None,
    name: Annotated[str | None, typer.Option(help="Part of the name.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
) -> None:
    """List networks, newest first."""
    found = talk.zoo.models.ls(state=state, task=task, tag=tag, name=name, limit=limit)
    talk.out.rows(found, COLUMNS, empty="no network fits; send one with `zooscope models push`")


@command(app)
def show(talk: Talk, *, model: ModelId) -> None:
    """Show everything about a network."""
    talk.out.thing(talk.zoo.models.show(model))


@command(app)
def rm(talk: Talk, *, model: ModelId) -> None:
    """Remove a network and what was measured of it."""
    talk.zoo.models.rm(model)
    talk.out.done({"id": model, "removed": True}, f"{model} removed")


@command(app)
def download(talk: Talk, *, model: ModelId, out: Out) -> None:
    """Fetch the file as it was uploaded."""
    with bytes_bar(model) as on_progress:
        talk.zoo.models.download(model, out, on_progress=on_progress)
    talk.out.done({"id": model, "path": str(out)}, f"{model} written to {out}")


@command(app)
def layers(talk: Talk, *, model: ModelId) -> None:
    """List the layers that can be read or cut."""
    columns = (
        TableColumn("name", lambda layer: layer["name"]),
        TableColumn("kind", lambda layer: layer["kind"]),
        TableColumn("shape", lambda layer: " × ".join(map(str, layer["shape"]))),
    )
    talk.out.rows(talk.zoo.models.layers(model), columns, empty="no layers are known yet")


@command(app)
def lineage(
    talk: Talk,
    *,
    model: ModelId,
    direction: Annotated[
        Direction, typer.Option(help="What it was made from, what was made from it, or both.")
    ] = "both",
    generations: Annotated[
        int, typer.Option(min=1, help="Most steps from a student to its teachers.")
    ] = 10,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write: .svg, .graphml or .json."),
    ] = None,
    theme: Annotated[Theme, typer.Option(help="Colors of an .svg.")] = "light",
) -> None:
    """Show what a network was made from, and what was made from it."""
    if out is None:
        found = talk.zoo.models.lineage(model, direction=direction, generations=generations)
        talk.out.drawn(found, tree_of(found))
        return
    talk.zoo.models.draw_lineage(
        model, out, direction=direction, generations=generations, theme=theme
    )
    talk.out.done({"id": model, "path": str(out)}, f"lineage written to {out}")


@command(app)
def neighbors(
    talk: Talk,
    *,
    model: ModelId,
    dataset: ProbeSet,
    k: Annotated[int, typer.Option("-k", min=1, help="How many.")] = 10,
) -> None:
    """List the nearest networks through a probe set."""
    columns = (
        TableColumn("score", lambda near: figure(near["score"]), "right", Give.STAYS),
        TableColumn("±", lambda near: figure(near["error"]), "right", Give.STAYS),
        id_column("id", "model_id"),
        TableColumn("name", lambda near: near["name"]),
    )
    found = talk.zoo.models.neighbors(model, dataset_id=dataset, k=k)
    talk.out.rows(found, columns, empty="no other network was measured on this probe set")


@command(app)
def attribution(
    talk: Talk,
    *,
    model: ModelId,
    dataset: ProbeSet,
    out: Out,
    index: Annotated[int, typer.Option(min=0, help="Position of the image, from 0.")] = 0,
    method: Annotated[str | None, typer.Option(help="Such as gxi, saliency, elrp.")] = None,
    layer: Annotated[str | None, typer.Option(help="Default: the feature layer.")] = None,
    style: Annotated[str | None, typer.Option(help="overlay, signed or absolute.")] = None,
) -> None:
    """Draw what a network looks at in one image."""
    picture = talk.zoo.models.attribution(
        model, dataset_id=dataset, index=index, method=method, layer=layer, style=style
    )
    out.write_bytes(picture)
    talk.out.done({"id": model, "path": str(out)}, f"heat map written to {out}")
