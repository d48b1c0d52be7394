"""``zooscope rank`` and ``rankings``: rank the networks for a target."""

from typing import Annotated, Literal

import typer

from zooscope.cli.context import CliContext, command
from zooscope.cli.output import steps_bar
from zooscope.cli.ranking_report import print_ranking
from zooscope.client.rankings import Metric, Protocol, RankingMetric

rank_app = typer.Typer()
app = typer.Typer(help="Earlier rankings: show.", no_args_is_help=True)

Lambda = Annotated[
    float | None, typer.Option("--edge-weight", min=0, help="λ in node + λ · edge similarity.")
]
By = Annotated[Metric, typer.Option("--metric", help="depara, depara_plus or attribution.")]


@command(rank_app)
def rank(
    context: CliContext,
    *,
    probes: Annotated[
        str | None,
        typer.Option(help="Probe set for all networks, dst_…; default: the target dataset."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Target: a network, mdl_…")] = None,
    dataset: Annotated[str | None, typer.Option(help="Target: a dataset, dst_…")] = None,
    candidate: Annotated[
        list[str] | None, typer.Option(help="Network to rank, mdl_…; repeatable; default: all.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="Only networks of this task kind.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only networks with this tag.")] = None,
    metric: Annotated[
        RankingMetric,
        typer.Option(help="Ranking metric: a similarity, an estimator, or all evidence (fused)."),
    ] = "depara",
    edge_weight: Lambda = None,
    estimators: Annotated[
        Literal["measure", "known"] | None,
        typer.Option(
            help="For fused: measure missing estimators (default), or use only known ones."
        ),
    ] = None,
    protocol: Annotated[
        Protocol | None, typer.Option(help="Use only accuracies of this protocol.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the result.")] = True,
) -> None:
    """Rank the networks of the zoo for a target."""
    filters = {name: value for name, value in (("task", task), ("tag", tag)) if value}
    with steps_bar("measuring") as on_progress:
        ranking = context.zoo.rank(
            probes=probes,
            model=model,
            dataset=dataset,
            candidates=candidate or filters or None,
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
    ranking: Annotated[str, typer.Argument(metavar="RANKING", help="Id of the ranking, rnk_…")],
    edge_weight: Lambda = None,
) -> None:
    """Show a ranking; --edge-weight reweights the edges without a new measurement."""
    print_ranking(context, context.zoo.rankings.show(ranking, edge_weight=edge_weight))
