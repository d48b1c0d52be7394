"""``zooscope layers``: which layer of a network to build on."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import typer

from zooscope import ZooClientError
from zooscope.cli.context import CliContext, command
from zooscope.cli.output import Overflow, TableColumn, format_score, steps_bar
from zooscope.client.layers import TargetData
from zooscope.client.results import LayerScore, LayerSelection

app = typer.Typer()

_BAR_CELLS = 20
_EIGHTHS = " ▏▎▍▌▋▊▉█"


@command(app)
def layers(
    context: CliContext,
    *,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="Network to cut, mdl_…, or an earlier selection, lay_…"
        ),
    ],
    target: Annotated[
        str | None, typer.Option(help="Target: a network, mdl_…, or a labeled dataset, dst_…")
    ] = None,
    probes: Annotated[
        str | None,
        typer.Option(help="Probe set for both networks, dst_…; default: the target dataset."),
    ] = None,
    data: Annotated[
        TargetData | None,
        typer.Option(help="Amount of labeled target data: ample (λ 1) or scarce (λ 10)."),
    ] = None,
    edge_weight: Annotated[float | None, typer.Option(min=0, help="λ, instead of --data.")] = None,
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
    if source.startswith("lay_"):
        print_selection(
            context, context.zoo.layers.show(source, data=data, edge_weight=edge_weight)
        )
        return
    images = target is not None and target.startswith("dst_")
    with steps_bar("comparing") as on_progress:
        selection = context.zoo.layers.select(
            source,
            model=None if images else target,
            dataset=target if images else None,
            probes=probes,
            layers=_candidates(layers),
            target_layer=target_layer,
            data=data,
            edge_weight=edge_weight,
            wait=wait,
            on_progress=on_progress,
        )
    print_selection(context, selection)


def _candidates(names: list[str] | None) -> Sequence[str] | Literal["all"] | None:
    return "all" if names == ["all"] else names


def print_selection(context: CliContext, selection: LayerSelection) -> None:
    """Print a selection: the choice, then the curve from the input on."""
    if selection["state"] == "failed":
        raise ZooClientError.failed(selection, name="layer selection")
    context.out.done(selection, f"{selection['id']}  {_sentence(selection)}")
    context.out.details(selection["layers"], columns_for(selection))


def _sentence(selection: LayerSelection) -> str:
    """The choice in one sentence, or how to check a pending selection."""
    if selection["state"] == "pending":
        return f"pending  job {selection['job_id']}; see `zooscope layers {selection['id']}`"
    choice = selection["choice"]
    if choice is None:
        return "no layer could be compared; see the table for the reasons"
    sentence = f"build on {choice['layer']}: score {format_score(choice['score'])}"
    if choice["margin"] is not None:
        sentence += f", {format_score(choice['margin'])} above {choice['runner_up']}"
    sentence += f" (λ = {selection['edge_weight']:g})"
    baselines = selection["baselines"]
    if baselines is not None:
        sentence += (
            f"; baselines: {baselines['middle']} (middle) or {baselines['deepest']} (deepest)"
        )
    return sentence


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
