"""``zooscope keys``: API keys, for administrators and operators."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from service.core.clock import now
from zooscope.cli.context import CliContext, command
from zooscope.cli.option_names import Fills
from zooscope.cli.output import TableColumn, id_column, time_column

app = typer.Typer(help="API keys: create, list, show your own, revoke.", no_args_is_help=True)

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}

Project = Annotated[
    str | None,
    typer.Option(help="Project; default: your own. Another one needs the scope operator."),
]


COLUMNS = (
    id_column("id", "id"),
    TableColumn("name", lambda key: key["name"]),
    TableColumn("scopes", lambda key: ", ".join(key["scopes"])),
    TableColumn("project", lambda key: key["project"]),
    time_column("last use", "last_used_at"),
    time_column("expires", "expires_at"),
    time_column("revoked", "revoked_at"),
)


def expiry_in(text: str) -> datetime:
    """The time that ``--expires`` names: ``90d`` from now, a date, or a time; UTC without a zone.

    Raises:
        typer.BadParameter: It names none.
    """
    duration = re.fullmatch(r"([1-9][0-9]{0,4})([hdw])", text)
    if duration is not None:
        length: Any = {_UNITS[duration[2]]: int(duration[1])}
        return now() + timedelta(**length)
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            "name a duration (12h, 90d, 4w), a date (2030-01-31) or a time (2030-01-31T12:00+01:00)"
        ) from error
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


@command(app)
def create(
    context: CliContext,
    *,
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[
        list[str],
        typer.Option(help="Scope: read, write, jobs, admin or operator; repeatable."),
        Fills("scopes"),
    ],
    project: Project = None,
    expires: Annotated[
        datetime | None,
        typer.Option(
            parser=expiry_in,
            metavar="WHEN",
            help="End of its validity: 12h, 90d or 4w from now, a date or a time; default: never.",
        ),
        Fills("expires_at"),
    ] = None,
) -> None:
    """Create a key; it is printed only once."""
    created = context.zoo.keys.create(name, scopes=scope, project=project, expires_at=expires)
    context.out.done(created, created["token"])


@command(app)
def ls(context: CliContext, *, project: Project = None) -> None:
    """List the keys of a project, newest first, with their last use and expiry."""
    context.out.rows(context.zoo.keys.ls(project=project), COLUMNS, empty="no keys")


@command(app)
def show(context: CliContext) -> None:
    """Show the key that you use: its project, scopes and expiry."""
    context.out.item(context.zoo.keys.own())


@command(app)
def revoke(
    context: CliContext,
    *,
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="Id of the key, key_…")],
) -> None:
    """Revoke a key; it stops working at once."""
    context.zoo.keys.revoke(key_id)
    context.out.done({"id": key_id, "revoked": True}, f"{key_id} revoked")
