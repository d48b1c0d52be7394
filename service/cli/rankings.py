"""``zooscope rank``, ``rankings`` and ``map``: what the zoo is for."""

from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.output import Column, Give, figure, id_column, steps_bar
from service.cli.talking import Talk, command
from service.client import ZooClientError
from service.client.rankings import Metric
from service.client.views import Ranking

rank_app = typer.Typer()
map_app = typer.Typer()
app = typer.Typer(help="Rankings asked for before.", no_args_is_help=True)

Lambda = Annotated[
    float | None, typer.Option("--edge-weight", min=0, help="λ of node + λ · edge similarity.")
]
By = Annotated[Metric, typer.Option("--metric", help="depara or attribution.")]


def _interval(item: Any) -> str:
    bounds = item.get("interval")
    return "–" if not bounds else f"{figure(bounds[0])} … {figure(bounds[1])}"


COLUMNS = (
    Column("rank", lambda item: str(item["rank"]), "right", Give.STAYS),
    Column("name", lambda item: item["name"]),
    Column("score", lambda item: figure(item["score"]), "right", Give.STAYS),
    Column("90 % interval", _interval, "right", Give.LEAVES),
    Column("nodes", lambda item: figure(item.get("node_similarity")), "right", Give.LEAVES),
    Column("edges", lambda item: figure(item.get("edge_similarity")), "right", Give.LEAVES),
    Column("probes", lambda item: str(item["valid_probes"]), "right", Give.LEAVES),
    id_column("id", "model_id"),
)
UNRANKED_COLUMNS = (
    id_column("not ranked", "model_id"),
    Column("because", lambda model: f"{model['detail']} ({model['code']})"),
)


@command(rank_app)
def rank(
    talk: Talk,
    *,
    probes: Annotated[str, typer.Option(help="Dataset shown to all networks, dst_…")],
    model: Annotated[str | None, typer.Option(help="Target: a network, mdl_…")] = None,
    dataset: Annotated[str | None, typer.Option(help="Target: labelled images, dst_…")] = None,
    candidate: Annotated[
        list[str] | None, typer.Option(help="Only this network; repeatable.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="Only networks of this kind of task.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only networks with this tag.")] = None,
    metric: By = "depara",
    edge_weight: Lambda = None,
    wait: Annotated[bool, typer.Option(help="Wait for the measuring.")] = True,
) -> None:
    """Order the networks of the zoo for a target."""
    where = {name: value for name, value in (("task", task), ("tag", tag)) if value}
    with steps_bar("measuring") as on_progress:
        ranking = talk.zoo.rank(
            probes=probes,
            model=model,
            dataset=dataset,
            candidates=candidate or where or None,
            metric=metric,
            edge_weight=edge_weight,
            wait=wait,
            on_progress=on_progress,
        )
    tell(talk, ranking)


@app.callback()
def _rankings() -> None:
    """Keeps `show` a subcommand while it is the only one."""


@command(app)
def show(
    talk: Talk,
    *,
    ranking: Annotated[str, typer.Argument(metavar="RANKING", help="Id, rnk_…")],
    edge_weight: Lambda = None,
) -> None:
    """Show a ranking, pending or ready; another edge weight measures nothing again."""
    tell(talk, talk.zoo.rankings.show(ranking, edge_weight=edge_weight))


def tell(talk: Talk, ranking: Ranking) -> None:
    """Print a ranking: its table, then the candidates without a place."""
    if ranking["state"] == "failed":
        error = ranking.get("error") or {"code": "failed", "detail": "the ranking failed"}
        raise ZooClientError(error["detail"], code=error["code"], remedy=error.get("remedy"))
    line = f"{ranking['id']}  {ranking['state']}"
    if ranking["state"] == "pending":
        line += f"  job {ranking.get('job_id')}; see `zooscope rankings show {ranking['id']}`"
    talk.out.done(ranking, line)
    talk.out.part(ranking["items"], COLUMNS)
    talk.out.part(ranking["unranked"], UNRANKED_COLUMNS)


@command(map_app, "map")
def map_(
    talk: Talk,
    *,
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Probe set, dst_…")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write: .json, .csv, .npz or .svg."),
    ] = None,
    metric: By = "depara",
    edge_weight: Lambda = None,
) -> None:
    """Fetch the map of all networks measured on a probe set."""
    if out is None:
        talk.out.thing(talk.zoo.maps.show(dataset, metric=metric, edge_weight=edge_weight))
        return
    talk.zoo.maps.download(dataset, out, metric=metric, edge_weight=edge_weight)
    talk.out.done({"dataset_id": dataset, "path": str(out)}, f"map written to {out}")
