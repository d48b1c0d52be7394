"""``zooscope layers``: which layer of one network to build on."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import typer

from zooscope import ZooClientError
from zooscope.cli.context import Talk, command
from zooscope.cli.output import Give, TableColumn, figure, steps_bar
from zooscope.client.layers import TargetData
from zooscope.client.results import LayerScore, LayerSelection

app = typer.Typer()

_BAR_CELLS = 20
_EIGHTHS = " ▏▎▍▌▋▊▉█"


@command(app)
def layers(
    talk: Talk,
    *,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="Network to cut, mdl_…; or a selection made before, lay_…"
        ),
    ],
    target: Annotated[
        str | None, typer.Option(help="A network, mdl_…, or labelled images, dst_…")
    ] = None,
    probes: Annotated[
        str | None, typer.Option(help="Images both are shown, dst_…; the target's own if it has.")
    ] = None,
    data: Annotated[
        TargetData | None, typer.Option(help="Labelled target data: ample (λ 1), scarce (λ 10).")
    ] = None,
    edge_weight: Annotated[
        float | None, typer.Option(min=0, help="λ itself, instead of --data.")
    ] = None,
    layers: Annotated[
        list[str] | None,
        typer.Option(help="Candidate; repeatable. Or all. Default: ends of blocks."),
    ] = None,
    target_layer: Annotated[
        str | None, typer.Option(help="Where the target is looked at; default its logits.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the comparison.")] = True,
) -> None:
    """Score every candidate layer of a network for a target, and choose one."""
    if source.startswith("lay_"):
        tell(talk, talk.zoo.layers.show(source, data=data, edge_weight=edge_weight))
        return
    images = target is not None and target.startswith("dst_")
    with steps_bar("comparing") as on_progress:
        selection = talk.zoo.layers.select(
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
    tell(talk, selection)


def _candidates(given: list[str] | None) -> Sequence[str] | Literal["all"] | None:
    return "all" if given == ["all"] else given


def tell(talk: Talk, selection: LayerSelection) -> None:
    """Print a selection: the choice, then the curve from the input on."""
    error = selection.get("error")
    if selection["state"] == "failed" and error is not None:
        raise ZooClientError(error["detail"], code=error["code"], remedy=error.get("remedy"))
    talk.out.done(selection, f"{selection['id']}  {_sentence(selection)}")
    talk.out.part(selection["layers"], columns_for(selection))


def _sentence(selection: LayerSelection) -> str:
    """What was found, or how to look again."""
    if selection["state"] == "pending":
        return f"pending  job {selection['job_id']}; see `zooscope layers {selection['id']}`"
    found = selection["choice"]
    if found is None:
        return "no layer could be compared; the table says why"
    told = f"build on {found['layer']}: score {figure(found['score'])}"
    if found["margin"] is not None:
        told += f", {figure(found['margin'])} above {found['runner_up']}"
    told += f" (λ = {selection['edge_weight']:g})"
    blind = selection["baselines"]
    if blind is not None:
        told += f"; without looking: {blind['middle']} (middle) or {blind['deepest']} (deepest)"
    return told


def columns_for(selection: LayerSelection) -> tuple[TableColumn, ...]:
    """The columns of the curve; bars span the scores of this selection."""
    found = selection["choice"]
    chosen = None if found is None else found["layer"]
    scores = [one["score"] for one in selection["layers"] if one["score"] is not None]

    def name(item: LayerScore) -> str:
        return f"{'→' if item['layer'] == chosen else ' '} {item['layer']}"

    return (
        TableColumn("  layer", name, give=Give.STAYS),
        TableColumn("score", lambda item: figure(item["score"]), "right", Give.STAYS),
        TableColumn("curve", lambda item: bar(item["score"], scores), give=Give.STAYS),
        TableColumn("90 % interval", _interval, "right", Give.LEAVES),
        TableColumn("nodes", lambda item: figure(item["node_similarity"]), "right", Give.LEAVES),
        TableColumn("edges", lambda item: figure(item["edge_similarity"]), "right", Give.LEAVES),
        TableColumn("operations", _operations, "right", Give.LEAVES),
        TableColumn("status", lambda item: item["detail"] or item["status"], give=Give.LEAVES),
    )


def bar(score: float | None, scores: Sequence[float]) -> str:
    """A bar from the smallest of the scores, which has one eighth of a cell, to the greatest."""
    if score is None:
        return ""
    low, high = min(scores), max(scores)
    share = (score - low) / (high - low) if high > low else 1.0
    whole, eighths = divmod(max(1, round(share * _BAR_CELLS * 8)), 8)
    return "█" * whole + _EIGHTHS[eighths].strip()


def _interval(item: Any) -> str:
    bounds = item["interval"]
    return "–" if not bounds else f"{figure(bounds[0])} … {figure(bounds[1])}"


def _operations(item: Any) -> str:
    share = item["operations_share"]
    return "–" if share is None else f"{100 * share:.0f} %"
