"""``zooscope accuracies``: measured accuracies, from this zoo or elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from service.core.counts import counted
from zooscope.cli.context import CliContext, command
from zooscope.cli.output import Overflow, TableColumn, format_score, id_column
from zooscope.client.rankings import Protocol

app = typer.Typer(
    help="Measured accuracies that fused rankings learn from: import, list, delete.",
    no_args_is_help=True,
)

COLUMNS = (
    id_column("id", "id"),
    TableColumn("model", lambda record: record["model"]),
    TableColumn("dataset", lambda record: record["dataset"]),
    TableColumn("accuracy", lambda record: format_score(record["value"]), "right", Overflow.KEEP),
    TableColumn("protocol", lambda record: record["protocol"], overflow=Overflow.HIDE),
    TableColumn("seed", lambda record: _text(record.get("seed")), "right", Overflow.HIDE),
    TableColumn("source", lambda record: record["source"], overflow=Overflow.HIDE),
)


def _text(seed: int | None) -> str:
    return "–" if seed is None else str(seed)


@command(app, "import")
def import_(
    context: CliContext,
    *,
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="CSV file: networks in rows, datasets in columns."
        ),
    ],
    percent: Annotated[
        bool, typer.Option("--percent", help="Cells are percentages, 0 to 100.")
    ] = False,
    protocol: Annotated[
        Protocol, typer.Option(help="How the networks were adapted to the datasets.")
    ] = "other",
    source: Annotated[
        str | None, typer.Option(help="Source of the accuracies; default: the file name.")
    ] = None,
) -> None:
    """Import a table of accuracies; recorded accuracies stay unchanged."""
    unit = "percent" if percent else "share"
    origin = file.name if source is None else source
    added = context.zoo.accuracies.import_table(file, unit=unit, protocol=protocol, source=origin)
    summary = f"{counted(len(added['items']), 'accuracy')}, {added['new']} of them new"
    context.out.done({"accuracies": len(added["items"]), "new": added["new"]}, summary)


@command(app)
def ls(
    context: CliContext,
    *,
    model: Annotated[str | None, typer.Option(help="Id or name, as recorded.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Id or name, as recorded.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Maximum number to list.")] = None,
) -> None:
    """List accuracies, newest first."""
    accuracies = context.zoo.accuracies.ls(model=model, dataset=dataset, limit=limit)
    context.out.rows(
        accuracies, COLUMNS, empty="no accuracies; import some with `zooscope accuracies import`"
    )


@command(app)
def rm(
    context: CliContext,
    *,
    accuracy: Annotated[str, typer.Argument(metavar="ACCURACY", help="Id of the accuracy, acc_…")],
) -> None:
    """Delete an accuracy."""
    context.zoo.accuracies.rm(accuracy)
    context.out.done({"id": accuracy, "removed": True}, f"{accuracy} deleted")
