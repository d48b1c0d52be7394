"""``zooscope accuracies``: accuracies that were measured, here or elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from zooscope.cli.context import Talk, command
from zooscope.cli.output import Give, TableColumn, figure, id_column
from zooscope.client.rankings import Protocol

app = typer.Typer(
    help="Measured accuracies, from which rankings learn: import, look, remove.",
    no_args_is_help=True,
)

COLUMNS = (
    id_column("id", "id"),
    TableColumn("model", lambda row: row["model"]),
    TableColumn("dataset", lambda row: row["dataset"]),
    TableColumn("accuracy", lambda row: figure(row["value"]), "right", Give.STAYS),
    TableColumn("protocol", lambda row: row["protocol"], give=Give.LEAVES),
    TableColumn("seed", lambda row: _text(row.get("seed")), "right", Give.LEAVES),
    TableColumn("source", lambda row: row["source"], give=Give.LEAVES),
)


def _text(seed: int | None) -> str:
    return "–" if seed is None else str(seed)


@command(app, "import")
def import_(
    talk: Talk,
    *,
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="CSV: networks in rows, datasets in columns."
        ),
    ],
    percent: Annotated[bool, typer.Option("--percent", help="Cells are from 0 to 100.")] = False,
    protocol: Annotated[
        Protocol, typer.Option(help="How networks were put to work on the datasets.")
    ] = "other",
    source: Annotated[
        str | None, typer.Option(help="Where it is from; default: the file.")
    ] = None,
) -> None:
    """Import a table of accuracies; what is known already stays as it is."""
    unit = "percent" if percent else "share"
    origin = file.name if source is None else source
    added = talk.zoo.accuracies.import_table(file, unit=unit, protocol=protocol, source=origin)
    told = f"{len(added['items'])} accuracies, {added['new']} of them new"
    talk.out.done({"accuracies": len(added["items"]), "new": added["new"]}, told)


@command(app)
def ls(
    talk: Talk,
    *,
    model: Annotated[str | None, typer.Option(help="Id or name, as it was added.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Id or name, as it was added.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
) -> None:
    """List accuracies, newest first."""
    found = talk.zoo.accuracies.ls(model=model, dataset=dataset, limit=limit)
    talk.out.rows(
        found, COLUMNS, empty="no accuracies; add some with `zooscope accuracies import`"
    )


@command(app)
def rm(
    talk: Talk,
    *,
    accuracy: Annotated[str, typer.Argument(metavar="ACCURACY", help="Id, acc_…")],
) -> None:
    """Delete an accuracy."""
    talk.zoo.accuracies.rm(accuracy)
    talk.out.done({"id": accuracy, "removed": True}, f"{accuracy} removed")
