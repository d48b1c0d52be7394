"""``zooscope map`` and ``maps``: how all networks of a probe set relate."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from zooscope.cli.context import Talk, command
from zooscope.cli.output import Give, TableColumn, figure, id_column
from zooscope.client.maps import Linkage, MapOptions, Picture, Theme

map_app = typer.Typer()
app = typer.Typer(help="Maps drawn before.", no_args_is_help=True)

Dataset = Annotated[str, typer.Argument(metavar="DATASET", help="Probe set, dst_…")]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="File to write: .json, .csv, .npz, .graphml, .svg or .png."),
]
Drawn = Annotated[Picture, typer.Option("--picture", help="What an .svg or .png shows.")]
Colors = Annotated[Theme, typer.Option("--theme", help="Colors of an .svg or .png.")]

COLUMNS = (
    id_column("id", "id"),
    TableColumn("networks", lambda one: str(one["models"]), "right", Give.STAYS),
    TableColumn("λ", lambda one: f"{one['params']['edge_weight']:g}", "right", Give.STAYS),
    TableColumn("linkage", lambda one: one["params"]["linkage"], "left", Give.LEAVES),
    TableColumn("stress", lambda one: figure(one["stress"]), "right", Give.LEAVES),
    id_column("layout", "layout_id"),
)


@command(map_app, "map")
def map_(
    talk: Talk,
    *,
    dataset: Dataset,
    out: Out = None,
    picture: Drawn = "matrix",
    theme: Colors = "light",
    metric: Annotated[
        Literal["depara", "depara_plus", "attribution"],
        typer.Option(help="Maps and edges, or maps alone."),
    ] = "depara",
    edge_weight: Annotated[
        float | None, typer.Option(min=0, help="λ of node + λ · edge similarity.")
    ] = None,
    linkage: Annotated[Linkage, typer.Option(help="How the task tree joins groups.")] = "single",
    k: Annotated[int | None, typer.Option("--k", min=1, help="Neighbors of each network.")] = None,
    clusters: Annotated[int | None, typer.Option(min=1, help="Number of clusters.")] = None,
    layout: Annotated[
        Literal["continued", "fresh"],
        typer.Option(help="Keep the places of the map before, or lay out anew."),
    ] = "continued",
) -> None:
    """Fetch the map of all networks measured on a probe set."""
    options: MapOptions = {
        "metric": metric,
        "edge_weight": edge_weight,
        "linkage": linkage,
        "k": k,
        "clusters": clusters,
        "layout": layout,
    }
    if out is None:
        talk.out.thing(talk.zoo.maps.show(dataset, **options))
        return
    talk.zoo.maps.download(dataset, out, picture=picture, theme=theme, **options)
    talk.out.done({"dataset_id": dataset, "path": str(out)}, f"map written to {out}")


@command(app)
def ls(
    talk: Talk,
    *,
    dataset: Dataset,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
) -> None:
    """List all maps ever drawn of a probe set, newest first."""
    found = talk.zoo.maps.snapshots(dataset, limit=limit)
    talk.out.rows(found, COLUMNS, empty="no map yet; draw one with `zooscope map`")


@command(app)
def show(
    talk: Talk,
    *,
    dataset: Dataset,
    map_id: Annotated[str, typer.Argument(metavar="MAP", help="Id, map_…")],
    out: Out = None,
    picture: Drawn = "matrix",
    theme: Colors = "light",
) -> None:
    """Fetch a map as it was drawn once."""
    if out is None:
        talk.out.thing(talk.zoo.maps.snapshot(dataset, map_id))
        return
    talk.zoo.maps.download_snapshot(dataset, map_id, out, picture=picture, theme=theme)
    talk.out.done({"map_id": map_id, "path": str(out)}, f"map written to {out}")
