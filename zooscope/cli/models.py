"""``zooscope models``: the networks of the zoo."""

from pathlib import Path
from typing import Annotated, Any

import typer

from zooscope import ZooClientError
from zooscope.cli.context import CliContext, command
from zooscope.cli.families import RELATIVES
from zooscope.cli.lineages import tree_of
from zooscope.cli.list_options import Count, Limit, Query, Size, print_counts
from zooscope.cli.model_uploads import Description, Files, files_at, push_files
from zooscope.cli.option_names import Fills
from zooscope.cli.output import (
    Overflow,
    TableColumn,
    bytes_bar,
    first_of_many,
    format_count,
    format_score,
    id_column,
)
from zooscope.client.maps import Theme
from zooscope.client.models import Descent, Direction, ModelSort
from zooscope.client.rankings import Metric

app = typer.Typer(help="Networks: upload, list, show, delete, download.", no_args_is_help=True)

ModelId = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="The network: its id, mdl_…, or NAME, NAME:VERSION or NAME@ALIAS."
    ),
]
Alias = Annotated[str, typer.Argument(metavar="ALIAS", help="Alias, such as prod.")]
ProbeSet = Annotated[
    str,
    typer.Option("--probes", help="Id or name of the probe set."),
    Fills("dataset", "dataset_id"),
]
Dataset = Annotated[str, typer.Option(help="Id or name of the dataset that holds the image.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Output file.", dir_okay=False)]

COLUMNS = (
    id_column("id", "id"),
    TableColumn("name", lambda model: model["name"]),
    TableColumn(
        "version",
        lambda model: ", ".join([str(model["version"]), *model.get("aliases", ())]),
        overflow=Overflow.HIDE,
    ),
    TableColumn("state", lambda model: model["state"], overflow=Overflow.KEEP),
    TableColumn("task", lambda model: model["task"]["kind"]),
    TableColumn(
        "parameters", lambda model: format_count(model.get("parameters")), "right", Overflow.HIDE
    ),
    TableColumn("tags", lambda model: ", ".join(model["tags"]), overflow=Overflow.HIDE),
    TableColumn(
        "same weights as",
        lambda model: first_of_many(model.get("same_weights_as", ())),
        overflow=Overflow.HIDE,
    ),
)


@command(app)
def push(
    context: CliContext,
    *,
    paths: Files,
    manifest: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Manifest (JSON) of a single file; default: the one that `pack` wrote next to it.",
        ),
        Fills("", "manifest"),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name of a single file that replaces the manifest's."),
        Fills(),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Additional tag; repeatable."), Fills()
    ] = None,
    wait: Annotated[
        bool, typer.Option(help="Wait until the zoo has checked the networks.")
    ] = True,
) -> None:
    """Upload networks; one whose name exists becomes a new version. An interrupted upload resumes.

    A file that is refused does not keep the others from being uploaded.
    """
    push_files(context, files_at(paths), Description(manifest, name, tag or [], wait))


@command(app)
def ls(
    context: CliContext,
    *,
    state: Annotated[str | None, typer.Option(help="State, such as ready or rejected.")] = None,
    task: Annotated[str | None, typer.Option(help="Kind of task.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only networks with this tag.")] = None,
    name: Annotated[str | None, typer.Option(help="Part of the name.")] = None,
    query: Query = None,
    size: Size = None,
    sort: Annotated[ModelSort, typer.Option(help="Field to sort by.")] = "-created_at",
    limit: Limit = None,
    count: Count = False,
) -> None:
    """List networks, newest first."""
    filters: Any = {"q": query, "state": state, "task": task, "tag": tag, "name": name}
    filters["size"] = size
    if count:
        print_counts(context, context.zoo.models.counts(**filters))
        return
    context.out.rows(
        context.zoo.models.ls(sort=sort, limit=limit, **filters),
        COLUMNS,
        empty="no matching networks; upload one with `zooscope models push`",
    )


@command(app)
def show(context: CliContext, *, model: ModelId) -> None:
    """Show all fields of a network."""
    context.out.item(context.zoo.models.show(model))


@command(app)
def rm(
    context: CliContext,
    *,
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL]",
            help="The network: its id, mdl_…, or NAME, NAME:VERSION or NAME@ALIAS.",
        ),
    ] = None,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Delete all networks that the zoo rejected.")
    ] = False,
) -> None:
    """Delete a network and its measurements, or all rejected networks."""
    if (model is None) is not rejected:
        raise ZooClientError(
            "rm takes either a network or --rejected",
            code="invalid_arguments",
            remedy="name one network, or pass --rejected alone",
        )
    if model is not None:
        context.zoo.models.rm(model)
        context.out.done({"id": model, "removed": True}, f"{model} deleted")
        return
    ids = [rejected_model["id"] for rejected_model in context.zoo.models.ls(state="rejected")]
    for model_id in ids:
        context.zoo.models.rm(model_id)
    context.out.done(
        {"ids": ids, "removed": True}, "\n".join(f"{i} deleted" for i in ids) or "none is rejected"
    )


@command(app)
def alias(context: CliContext, *, model: ModelId, alias: Alias) -> None:
    """Give a network an alias; another version of its name that has it loses it."""
    changed = context.zoo.models.set_alias(model, alias)
    name = changed["name"]
    context.out.done(changed, f"{name}@{alias} is {name}:{changed['version']}, {changed['id']}")


@command(app)
def unalias(context: CliContext, *, model: ModelId, alias: Alias) -> None:
    """Remove an alias of a network; the network stays."""
    context.zoo.models.remove_alias(model, alias)
    context.out.done({"id": model, "alias": alias, "removed": True}, f"{alias} removed")


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
def family(context: CliContext, *, model: ModelId) -> None:
    """List the networks that a network is a copy, a descendant or another form of, by weights."""
    relatives = context.zoo.models.family(model)
    context.out.rows(relatives, RELATIVES, empty="no other network has related weights")


@command(app, "confirm-family")
def confirm_family(
    context: CliContext,
    *,
    model: ModelId,
    relative: Annotated[
        str, typer.Argument(metavar="RELATIVE", help="A relative of the network.")
    ],
    descent: Annotated[
        Descent | None, typer.Option(help="What it is to the network; as suggested by default.")
    ] = None,
) -> None:
    """Confirm that a relative is the ancestor or a descendant of a network, for lineages."""
    confirmed = context.zoo.models.confirm_family(model, relative, descent=descent)
    context.out.done(confirmed, f"{confirmed['name']} is now its {confirmed.get('confirmed')}")


@command(app)
def neighbors(
    context: CliContext,
    *,
    model: ModelId,
    probes: ProbeSet,
    k: Annotated[int, typer.Option("-k", min=1, help="Number of neighbors.")] = 10,
    metric: Annotated[Metric, typer.Option(help="How two networks are compared.")] = "depara",
) -> None:
    """List the nearest networks on a probe set."""
    columns = (
        TableColumn("score", lambda near: format_score(near["score"]), "right", Overflow.KEEP),
        TableColumn("±", lambda near: format_score(near["error"]), "right", Overflow.KEEP),
        id_column("id", "model_id"),
        TableColumn("name", lambda near: near["name"]),
    )
    neighbors = context.zoo.models.neighbors(model, probes=probes, k=k, metric=metric)
    context.out.rows(neighbors, columns, empty="no other network is measured on this probe set")


@command(app)
def attribution(
    context: CliContext,
    *,
    model: ModelId,
    dataset: Dataset,
    out: Out,
    index: Annotated[
        int, typer.Option(min=0, help="Position of the image, from 0."), Fills("indices")
    ] = 0,
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
