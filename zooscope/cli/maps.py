"""``zooscope map`` and ``maps``: how all networks relate on a probe set."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from zooscope.cli.context import CliContext, command
from zooscope.cli.option_names import Fills
from zooscope.cli.output import Overflow, TableColumn, format_score, id_column
from zooscope.client.maps import Linkage, MapOptions, Picture, Theme
from zooscope.client.rankings import Metric

map_app = typer.Typer()
app = typer.Typer(help="Earlier maps: list, show.", no_args_is_help=True)

Dataset = Annotated[
    str,
    typer.Argument(metavar="DATASET", help="Id or name of the probe set."),
    Fills("dataset_id"),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Output file: .json, .csv, .npz, .graphml, .svg or .png."),
    Fills("format"),
]
Drawn = Annotated[Picture, typer.Option("--picture", help="Content of an .svg or .png.")]
Colors = Annotated[Theme, typer.Option("--theme", help="Colors of an .svg or .png.")]

COLUMNS = (
    id_column("id", "id"),
    TableColumn("networks", lambda snapshot: str(snapshot["models"]), "right", Overflow.KEEP),
    TableColumn(
        "λ", lambda snapshot: f"{snapshot['params']['edge_weight']:g}", "right", Overflow.KEEP
    ),
    TableColumn("linkage", lambda snapshot: snapshot["params"]["linkage"], "left", Overflow.HIDE),
    TableColumn(
        "stress", lambda snapshot: format_score(snapshot["stress"]), "right", Overflow.HIDE
    ),
    id_column("layout", "layout_id"),
)


@command(map_app, "map")
def map_(
    context: CliContext,
    *,
    dataset: Dataset,
    out: Out = None,
    picture: Drawn = "matrix",
    theme: Colors = "light",
    metric: Annotated[
        Metric,
        typer.Option(help="Similarity: maps and edges, maps alone, or relations of features."),
    ] = "depara",
    edge_weight: Annotated[
        float | None, typer.Option(min=0, help="λ in node + λ · edge similarity.")
    ] = None,
    linkage: Annotated[Linkage, typer.Option(help="Linkage of the task tree.")] = "single",
    k: Annotated[
        int | None, typer.Option("--k", min=1, help="Number of neighbors of each network.")
    ] = None,
    clusters: Annotated[int | None, typer.Option(min=1, help="Number of clusters.")] = None,
    layout: Annotated[
        Literal["continued", "fresh"],
        typer.Option(help="Keep the positions of the previous map, or compute new ones."),
    ] = "continued",
    comparison: Annotated[
        Literal["exact", "sketches"] | None,
        typer.Option(help="Compare all pairs, or sketches; sketches above 400 networks."),
    ] = None,
) -> None:
    """Show or save the map of all networks measured on a probe set."""
    options: MapOptions = {
        "metric": metric,
        "edge_weight": edge_weight,
        "linkage": linkage,
        "k": k,
        "clusters": clusters,
        "layout": layout,
        "comparison": comparison,
    }
    if out is None:
        context.out.item(context.zoo.maps.show(dataset, **options))
        return
    context.zoo.maps.download(dataset, out, picture=picture, theme=theme, **options)
    context.out.done({"dataset_id": dataset, "path": str(out)}, f"map written to {out}")


@command(app)
def ls(
    context: CliContext,
    *,
    dataset: Dataset,
    limit: Annotated[int | None, typer.Option(min=1, help="Maximum number to list.")] = None,
) -> None:
    """List all computed maps of a probe set, newest first."""
    snapshots = context.zoo.maps.snapshots(dataset, limit=limit)
    context.out.rows(snapshots, COLUMNS, empty="no maps; create one with `zooscope map`")


@command(app)
def show(
    context: CliContext,
    *,
    dataset: Dataset,
    map_id: Annotated[str, typer.Argument(metavar="MAP", help="Id of the map, map_…")],
    out: Out = None,
    picture: Drawn = "matrix",
    theme: Colors = "light",
) -> None:
    """Show or save an earlier map."""
    if out is None:
        context.out.item(context.zoo.maps.snapshot(dataset, map_id))
        return
    context.zoo.maps.download_snapshot(dataset, map_id, out, picture=picture, theme=theme)
    context.out.done({"map_id": map_id, "path": str(out)}, f"map written to {out}")
