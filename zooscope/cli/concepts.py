"""``zooscope concepts``: which output units of the zoo recognize something."""

from typing import Annotated, Any

import typer

from service.core.counts import counted
from zooscope import ZooClientError
from zooscope.cli.context import CliContext, command
from zooscope.cli.list_options import Limit
from zooscope.cli.option_names import Fills
from zooscope.cli.output import Overflow, TableColumn, format_score, id_column, steps_bar
from zooscope.client.results import ConceptSearch

app = typer.Typer(
    help="Output units by concept: search, show, ls, measure, units, similar.",
    no_args_is_help=True,
)

Model = Annotated[str, typer.Argument(metavar="MODEL", help="Network, by id or name.")]
SEARCHES = (
    id_column("id", "id"),
    TableColumn("state", lambda search: search["state"], overflow=Overflow.KEEP),
    id_column("concept", "dataset_id"),
    id_column("probes", "probe_set_id"),
    TableColumn("networks", lambda search: str(search["searched"]), "right", Overflow.KEEP),
    TableColumn("created", lambda search: search["created_at"][:19].replace("T", " ")),
)


def _class(unit: Any) -> str:
    return unit["class_name"] or "–"


NAMES = (
    TableColumn("network", lambda unit: unit["name"]),
    TableColumn("unit", lambda unit: str(unit["unit"]), "right", Overflow.KEEP),
    TableColumn("class", _class),
)


@command(app)
def search(
    context: CliContext,
    *,
    dataset: Annotated[
        str,
        typer.Argument(metavar="DATASET", help="Images of the concept, by id or name."),
        Fills("dataset_id"),
    ],
    probes: Annotated[
        str,
        typer.Option(help="Probe set of the stored responses, by id or name."),
        Fills("probe_set_id"),
    ],
    negatives: Annotated[
        str | None,
        typer.Option("--not", help="Images of what it is not; default: the probes."),
        Fills("negatives_id"),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Network to search, repeatable; default: all."),
        Fills("candidates/model_ids", "candidates"),
    ] = None,
    references: Annotated[
        int | None, typer.Option(min=1, help="Networks that relate the concept to the probes.")
    ] = None,
    check: Annotated[
        int | None, typer.Option(min=0, help="Networks that run to check their best unit.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the result.")] = True,
) -> None:
    """Find output units that recognize what a few images show."""
    with steps_bar("searching") as on_progress:
        result = context.zoo.concepts.search(
            dataset,
            probes=probes,
            negatives=negatives,
            models=model,
            references=references,
            check=check,
            wait=wait,
            on_progress=on_progress,
        )
    print_search(context, result)


@command(app)
def show(
    context: CliContext,
    *,
    search: Annotated[
        str, typer.Argument(metavar="SEARCH", help="Id of the concept search, cps_…")
    ],
) -> None:
    """Show a concept search with its units."""
    print_search(context, context.zoo.concepts.show(search))


@command(app)
def ls(
    context: CliContext,
    *,
    state: Annotated[str | None, typer.Option(help="State: pending, ready or failed.")] = None,
    limit: Limit = 50,
) -> None:
    """List concept searches, newest first."""
    searches = context.zoo.concepts.ls(state=state, limit=limit)
    empty = "no concept searches; create one with `zooscope concepts search`"
    context.out.rows(searches, SEARCHES, empty=empty)


@command(app)
def measure(
    context: CliContext,
    *,
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL...", help="Networks, by id or name."),
        Fills("inputs/model_id"),
    ],
    probes: Annotated[
        str, typer.Option(help="Probe set, by id or name."), Fills("inputs/dataset_id")
    ],
) -> None:
    """Store how the output units of networks respond to a probe set, one job each."""
    jobs = [context.zoo.concepts.measure(model, probes=probes) for model in models]
    columns = (
        id_column("job", "id"),
        TableColumn("network", lambda job: job["inputs"]["model_id"], overflow=Overflow.KEEP),
        TableColumn("state", lambda job: job["state"], overflow=Overflow.KEEP),
    )
    context.out.rows(jobs, columns, empty="no networks")


@command(app)
def units(
    context: CliContext,
    *,
    words: Annotated[
        str, typer.Argument(metavar="WORDS", help="Words of the class name."), Fills("q")
    ],
    limit: Limit = 50,
) -> None:
    """List output units by the words of their class names."""
    matching = context.zoo.concepts.units(words, limit=limit)
    columns = (id_column("id", "model_id"), *NAMES)
    context.out.rows(matching, columns, empty=f"no class name contains {words!r}")


@command(app)
def similar(
    context: CliContext,
    *,
    model: Model,
    unit: Annotated[int, typer.Argument(metavar="UNIT", min=0, help="Index of the output unit.")],
    probes: Annotated[
        str,
        typer.Option(help="Probe set of the stored responses, by id or name."),
        Fills("dataset"),
    ],
    k: Annotated[int, typer.Option("-k", min=1, help="Number of units.")] = 10,
) -> None:
    """List the output units that respond most like one unit of a network."""
    near = context.zoo.concepts.similar(model, unit, probes=probes, k=k)
    correlation = TableColumn(
        "correlation", lambda item: format_score(item["correlation"]), "right", Overflow.KEEP
    )
    columns = (correlation, id_column("id", "model_id"), *NAMES)
    context.out.rows(near["items"], columns, empty="no other unit is measured on this probe set")


def print_search(context: CliContext, search: ConceptSearch) -> None:
    """Print a search: the sentence to act on and what it cost, then the units."""
    if search["state"] == "failed":
        raise ZooClientError.failed(search, name="concept search")
    context.out.done(search, f"{search['id']}  {_sentence(search)}")
    columns = (
        *NAMES,
        TableColumn("AUC", lambda unit: _value(unit, "auc"), "right", Overflow.KEEP),
        TableColumn("80 % interval", lambda unit: _interval(unit, "auc_interval"), "right"),
        TableColumn("expected", lambda unit: _value(unit, "expected_auc"), "right", Overflow.KEEP),
        TableColumn("80 % interval", lambda unit: _interval(unit, "expected_interval"), "right"),
    )
    context.out.details(search["units"], columns)


def _sentence(search: ConceptSearch) -> str:
    if search["state"] == "pending":
        return f"pending  job {search['job_id']}; see `zooscope concepts show {search['id']}`"
    cost = search["cost"]
    ran = f"{cost['networks_run']} of {counted(cost['networks_searched'], 'network')} ran"
    lines = [f"{search['advice'] or 'no unit was found'} ({ran})"]
    lines += [
        f"warning: {warning['detail']} ({warning['code']}); {warning['remedy']}"
        for warning in search["warnings"]
    ]
    return "\n".join(lines)


def _value(unit: Any, name: str) -> str:
    return "not checked" if unit[name] is None else f"{unit[name]:.3f}"


def _interval(unit: Any, name: str) -> str:
    bounds = unit[name]
    return "–" if not bounds else f"{bounds[0]:.2f} … {bounds[1]:.2f}"
