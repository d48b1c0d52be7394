"""``zooscope rank`` and ``rankings``: rank the networks for a target."""

from typing import Annotated, Literal

import typer

from zooscope.cli.context import CliContext, command
from zooscope.cli.list_options import Limit
from zooscope.cli.option_names import Fills
from zooscope.cli.output import Overflow, TableColumn, id_column, steps_bar
from zooscope.cli.ranking_report import print_estimate, print_ranking
from zooscope.cli.targets import require_one_target
from zooscope.client.rankings import (
    Protocol,
    RankingMetric,
    RankingOptions,
    ranking_request,
)

rank_app = typer.Typer()
app = typer.Typer(help="Earlier rankings: list, show.", no_args_is_help=True)

Lambda = Annotated[
    float | None, typer.Option("--edge-weight", min=0, help="λ in node + λ · edge similarity.")
]


@command(rank_app)
def rank(
    context: CliContext,
    *,
    probes: Annotated[
        str | None,
        typer.Option(help="Probe set for all networks, by id or name; default: the target."),
        Fills("probe_set_id"),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Target: a network, by id or name."),
        Fills("target/model_id"),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="Target: a dataset, by id or name."),
        Fills("target/dataset_id"),
    ] = None,
    candidate: Annotated[
        list[str] | None,
        typer.Option(help="Network to rank, by id or name; repeatable; default: all."),
        Fills("candidates/model_ids"),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(help="Only networks of this task kind."),
        Fills("candidates/filter/task"),
    ] = None,
    tag: Annotated[
        str | None,
        typer.Option(help="Only networks with this tag."),
        Fills("candidates/filter/tag"),
    ] = None,
    metric: Annotated[
        RankingMetric,
        typer.Option(
            help="Ranking metric; auto takes what suits the evidence: labels, history or likeness."
        ),
    ] = "auto",
    edge_weight: Lambda = None,
    estimators: Annotated[
        Literal["measure", "known"] | None,
        typer.Option(
            help="For fused and labels_and_history: measure missing estimators (default), or use"
            " only known ones."
        ),
    ] = None,
    protocol: Annotated[
        Protocol | None, typer.Option(help="Use only accuracies of this protocol.")
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Print how long it would take; start nothing.")
    ] = False,
    wait: Annotated[bool, typer.Option(help="Wait for the result.")] = True,
) -> None:
    """Rank the networks of the zoo for a target."""
    require_one_target(model, dataset)
    filters = {name: value for name, value in (("task", task), ("tag", tag)) if value}
    if candidate and filters:
        raise typer.BadParameter(
            "list the networks, or filter them with --task and --tag", param_hint="--candidate"
        )
    options: RankingOptions = {
        "probes": probes,
        "model": model,
        "dataset": dataset,
        "candidates": candidate or filters or None,
        "metric": metric,
        "edge_weight": edge_weight,
        "estimators": estimators,
        "protocol": protocol,
    }
    if estimate:
        print_estimate(context, context.zoo.rankings.estimate(ranking_request(**options)))
        return
    with steps_bar("measuring") as on_progress:
        ranking = context.zoo.rank(**options, wait=wait, on_progress=on_progress)
    print_ranking(context, ranking)


COLUMNS = (
    id_column("id", "id"),
    TableColumn("state", lambda ranking: ranking["state"], overflow=Overflow.KEEP),
    TableColumn("metric", lambda ranking: ranking["metric"]),
    TableColumn("candidates", lambda ranking: str(ranking["candidates"]), "right", Overflow.KEEP),
    TableColumn(
        "target",
        lambda ranking: ranking["target_dataset_id"] or ranking["target_model_id"],
        overflow=Overflow.KEEP,
    ),
    TableColumn("created", lambda ranking: ranking["created_at"][:19].replace("T", " ")),
)


@command(app)
def ls(
    context: CliContext,
    *,
    state: Annotated[str | None, typer.Option(help="State: pending, ready or failed.")] = None,
    metric: Annotated[
        RankingMetric | None, typer.Option(help="Only rankings by this metric.")
    ] = None,
    limit: Limit = 50,
) -> None:
    """List rankings, newest first."""
    rankings = context.zoo.rankings.ls(state=state, metric=metric, limit=limit)
    context.out.rows(rankings, COLUMNS, empty="no rankings; create one with `zooscope rank`")


@command(app)
def show(
    context: CliContext,
    *,
    ranking: Annotated[str, typer.Argument(metavar="RANKING", help="Id of the ranking, rnk_…")],
    edge_weight: Lambda = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Show only this many of the best.")
    ] = None,
) -> None:
    """Show a ranking; --edge-weight reweights the edges without a new measurement."""
    ranking_shown = context.zoo.rankings.show(ranking, edge_weight=edge_weight, limit=limit)
    print_ranking(context, ranking_shown)
