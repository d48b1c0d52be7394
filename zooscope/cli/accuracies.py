"""``zooscope records``: accuracies that were measured, here or elsewhere."""

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
    TableColumn("model", lambda record: record["model"]),
    TableColumn("dataset", lambda record: record["dataset"]),
    TableColumn("accuracy", lambda record: figure(record["value"]), "right", Give.STAYS),
    TableColumn("protocol", lambda record: record["protocol"], give=Give.LEAVES),
    TableColumn("seed", lambda record: _text(record.get("seed")), "right", Give.LEAVES),
    TableColumn("source", lambda record: record["source"], give=Give.LEAVES),
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
    added = talk.zoo.records.import_table(file, unit=unit, protocol=protocol, source=origin)
    told = f"{len(added['items'])} records, {added['new']} of them new"
    talk.out.done({"records": len(added["items"]), "new": added["new"]}, told)


@command(app)
def ls(
    talk: Talk,
    *,
    model: Annotated[str | None, typer.Option(help="Id or name, as it was recorded.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Id or name, as it was recorded.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
) -> None:
    """List records, newest first."""
    found = talk.zoo.records.ls(model=model, dataset=dataset, limit=limit)
    talk.out.rows(found, COLUMNS, empty="no records; add some with `zooscope records import`")


@command(app)
def rm(
    talk: Talk,
    *,
    record: Annotated[str, typer.Argument(metavar="RECORD", help="Id, rec_…")],
) -> None:
    """Forget a record."""
    talk.zoo.records.rm(record)
    talk.out.done({"id": record, "removed": True}, f"{record} removed")
