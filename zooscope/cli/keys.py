"""``zooscope keys``: API keys, for administrators."""

from typing import Annotated

import typer

from zooscope.cli.context import CliContext, command
from zooscope.cli.output import TableColumn, id_column

app = typer.Typer(help="API keys: issue, list, revoke.", no_args_is_help=True)

COLUMNS = (
    id_column("id", "id"),
    TableColumn("name", lambda key: key["name"]),
    TableColumn("scopes", lambda key: ", ".join(key["scopes"])),
    TableColumn("project", lambda key: key["project"]),
    TableColumn("revoked", lambda key: (key.get("revoked_at") or "–")[:19]),
)


@command(app)
def issue(
    context: CliContext,
    *,
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[
        list[str], typer.Option(help="Scope: read, write, jobs or admin; repeatable.")
    ],
    project: Annotated[str | None, typer.Option(help="Project; default: your own.")] = None,
) -> None:
    """Issue a key; it is printed only once."""
    issued = context.zoo.keys.issue(name, scopes=scope, project=project)
    context.out.done(issued, issued["token"])


@command(app)
def ls(context: CliContext) -> None:
    """List the keys of the project, newest first."""
    context.out.rows(context.zoo.keys.ls(), COLUMNS, empty="no keys")


@command(app)
def revoke(
    context: CliContext,
    *,
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="Id of the key, key_…")],
) -> None:
    """Revoke a key; it stops working within seconds."""
    context.zoo.keys.revoke(key_id)
    context.out.done({"id": key_id, "revoked": True}, f"{key_id} revoked")
