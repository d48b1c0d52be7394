"""``zooscope rank`` and ``rankings``: what the zoo is for."""

from typing import Annotated, Literal

import typer

from zooscope.cli.context import CliContext, command
from zooscope.cli.output import steps_bar
from zooscope.cli.ranking_report import print_ranking
from zooscope.client.rankings import Metric, Protocol, RankingMetric

rank_app = typer.Typer()
app = typer.Typer(help="Rankings asked for before.", no_args_is_help=True)

Lambda = Annotated[
    float | None, typer.Option("--edge-weight", min=0, help="λ of node + λ · edge similarity.")
]
By = Annotated[Metric, typer.Option("--metric", help="depara, depara_plus or attribution.")]


@command(rank_app)
def rank(
    context: CliContext,
    *,
    probes: Annotated[
        str | None,
        typer.Option(help="Dataset shown to all networks, dst_…; default: the target's images."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Target: a network, mdl_…")] = None,
    dataset: Annotated[str | None, typer.Option(help="Target: images, dst_…")] = None,
    candidate: Annotated[
        list[str] | None, typer.Option(help="Only this network; repeatable.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="Only networks of this kind of task.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only networks with this tag.")] = None,
    metric: Annotated[
        RankingMetric, typer.Option(help="What decides: likeness, an estimator, or all (fused).")
    ] = "depara",
    edge_weight: Lambda = None,
    estimators: Annotated[
        Literal["measure", "known"] | None,
        typer.Option(help="For fused: measure missing estimators (default), or use known ones."),
    ] = None,
    protocol: Annotated[
        Protocol | None, typer.Option(help="Leave accuracies of other protocols out.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the measuring.")] = True,
) -> None:
    """Order the networks of the zoo for a target."""
    where = {name: value for name, value in (("task", task), ("tag", tag)) if value}
    with steps_bar("measuring") as on_progress:
        ranking = context.zoo.rank(
            probes=probes,
            model=model,
            dataset=dataset,
            candidates=candidate or where or None,
            metric=metric,
            edge_weight=edge_weight,
            estimators=estimators,
            protocol=protocol,
            wait=wait,
            on_progress=on_progress,
        )
    print_ranking(context, ranking)


@app.callback()
def _rankings() -> None:
    """Keeps `show` a subcommand while it is the only one."""


@command(app)
def show(
    context: CliContext,
    *,
    ranking: Annotated[str, typer.Argument(metavar="RANKING", help="Id, rnk_…")],
    edge_weight: Lambda = None,
) -> None:
    """Show a ranking, pending or ready; another edge weight measures nothing again."""
    print_ranking(context, context.zoo.rankings.show(ranking, edge_weight=edge_weight))
