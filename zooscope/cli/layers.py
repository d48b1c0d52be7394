"""``zooscope layers``: which layer of a network to build on."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import typer

from zooscope import ZooClientError
from zooscope.cli.context import CliContext, command
from zooscope.cli.list_options import Limit
from zooscope.cli.option_names import Fills
from zooscope.cli.output import Overflow, TableColumn, format_score, id_column, steps_bar
from zooscope.cli.targets import require_one_target
from zooscope.client.layer_table import LayerTable
from zooscope.client.layers import TargetData
from zooscope.client.results import LayerBaselines, LayerScore, LayerSelection

app = typer.Typer()
selections_app = typer.Typer(help="Earlier layer selections: list, show.", no_args_is_help=True)

Data = Annotated[
    TargetData | None,
    typer.Option(help="Amount of labeled target data: ample (λ 1) or scarce (λ 10)."),
]
Lambda = Annotated[
    float | None, typer.Option("--edge-weight", min=0, help="λ, instead of --data.")
]
COLUMNS = (
    id_column("id", "id"),
    TableColumn("state", lambda selection: selection["state"], overflow=Overflow.KEEP),
    id_column("source", "source_model_id"),
    id_column("target", "target_model_id"),
    TableColumn("layers", lambda selection: str(selection["candidates"]), "right", Overflow.KEEP),
    TableColumn("created", lambda selection: selection["created_at"][:19].replace("T", " ")),
)

_TIED_SHOWN = 5
_BAR_CELLS = 20
_EIGHTHS = " ▏▎▍▌▋▊▉█"


@command(app)
def layers(
    context: CliContext,
    *,
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="Network to cut, by id or name."),
        Fills("source_model_id"),
    ],
    model: Annotated[
        str | None,
        typer.Option(help="Target: a network, by id or name."),
        Fills("target/model_id", "target"),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="Target: a labeled dataset, by id or name."),
        Fills("target/dataset_id"),
    ] = None,
    probes: Annotated[
        str | None,
        typer.Option(help="Probe set for both networks, by id or name; default: the target."),
        Fills("probe_set_id"),
    ] = None,
    data: Data = None,
    edge_weight: Lambda = None,
    layers: Annotated[
        list[str] | None,
        typer.Option(help="Candidate layer, repeatable, or `all`; default: ends of blocks."),
    ] = None,
    target_layer: Annotated[
        str | None, typer.Option(help="Layer of the target to compare with; default: its logits.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the result.")] = True,
) -> None:
    """Score each candidate layer of a network for a target, and choose one."""
    require_one_target(model, dataset)
    with steps_bar("comparing") as on_progress:
        selection = context.zoo.layers.select(
            source,
            model=model,
            dataset=dataset,
            probes=probes,
            layers=_candidates(layers),
            target_layer=target_layer,
            data=data,
            edge_weight=edge_weight,
            wait=wait,
            on_progress=on_progress,
        )
    print_selection(context, selection)


@command(selections_app)
def ls(
    context: CliContext,
    *,
    state: Annotated[str | None, typer.Option(help="State: pending, ready or failed.")] = None,
    limit: Limit = 50,
) -> None:
    """List layer selections, newest first."""
    selections = context.zoo.layers.ls(state=state, limit=limit)
    empty = "no layer selections; create one with `zooscope layers`"
    context.out.rows(selections, COLUMNS, empty=empty)


@command(selections_app)
def show(
    context: CliContext,
    *,
    selection: Annotated[
        str, typer.Argument(metavar="SELECTION", help="Id of the layer selection, lay_…")
    ],
    data: Data = None,
    edge_weight: Lambda = None,
) -> None:
    """Show a layer selection, read for an amount of data or by λ."""
    print_selection(
        context, context.zoo.layers.show(selection, data=data, edge_weight=edge_weight)
    )


def _candidates(names: list[str] | None) -> Sequence[str] | Literal["all"] | None:
    return "all" if names == ["all"] else names


def print_selection(context: CliContext, result: LayerTable) -> None:
    """Print a selection: the choice, then the curve from the input on."""
    selection = result.data
    if selection["state"] == "failed":
        raise ZooClientError.failed(selection, name="layer selection")
    context.out.done(selection, f"{selection['id']}  {_sentence(selection)}")
    context.out.details(selection["layers"], columns_for(selection))


def _sentence(selection: LayerSelection) -> str:
    """The choice in one sentence, or how to check a pending selection."""
    if selection["state"] == "pending":
        return f"pending  job {selection['job_id']}; see `zooscope layer-selections show {selection['id']}`"
    choice = selection["choice"]
    if choice is None:
        return "no layer could be compared; see the table for the reasons"
    sentence = _start(selection["baselines"])
    sentence += f"most like the target: {choice['layer']}, score {format_score(choice['score'])}"
    if choice["margin"] is not None:
        sentence += f", {format_score(choice['margin'])} above {choice['runner_up']}"
    sentence += f" (λ = {selection['edge_weight']:g})"
    if choice.get("tied"):
        sentence += f"; cannot be told apart from {', '.join(choice['tied'][:_TIED_SHOWN])}"
        sentence += ", …" if len(choice["tied"]) > _TIED_SHOWN else ""
    for warning in selection.get("warnings") or ():
        sentence += f"\nwarning: {warning['detail']} ({warning['code']}); {warning['remedy']}"
    return sentence


def _start(baselines: LayerBaselines | None) -> str:
    """The layer to build on: the middle, which no score has beaten in measured transfer."""
    return "" if baselines is None else f"build on {baselines['middle']}, the middle; "


def columns_for(selection: LayerSelection) -> tuple[TableColumn, ...]:
    """The columns of the curve; bars span the scores of this selection."""
    choice = selection["choice"]
    chosen = None if choice is None else choice["layer"]
    scores = [layer["score"] for layer in selection["layers"] if layer["score"] is not None]

    def name(item: LayerScore) -> str:
        return f"{'→' if item['layer'] == chosen else ' '} {item['layer']}"

    return (
        TableColumn("  layer", name, overflow=Overflow.KEEP),
        TableColumn("score", lambda item: format_score(item["score"]), "right", Overflow.KEEP),
        TableColumn("curve", lambda item: bar(item["score"], scores), overflow=Overflow.KEEP),
        TableColumn("90 % interval", _interval, "right", Overflow.HIDE),
        TableColumn(
            "nodes", lambda item: format_score(item["node_similarity"]), "right", Overflow.HIDE
        ),
        TableColumn(
            "edges", lambda item: format_score(item["edge_similarity"]), "right", Overflow.HIDE
        ),
        TableColumn("operations", _operations, "right", Overflow.HIDE),
        TableColumn(
            "status", lambda item: item["detail"] or item["status"], overflow=Overflow.HIDE
        ),
    )


def bar(score: float | None, scores: Sequence[float]) -> str:
    """A bar scaled from the lowest score, which gets one eighth of a cell, to the highest."""
    if score is None:
        return ""
    low, high = min(scores), max(scores)
    share = (score - low) / (high - low) if high > low else 1.0
    full_cells, eighths = divmod(max(1, round(share * _BAR_CELLS * 8)), 8)
    return "█" * full_cells + _EIGHTHS[eighths].strip()


def _interval(item: Any) -> str:
    bounds = item["interval"]
    return "–" if not bounds else f"{format_score(bounds[0])} … {format_score(bounds[1])}"


def _operations(item: Any) -> str:
    share = item["operations_share"]
    return "–" if share is None else f"{100 * share:.0f} %"
