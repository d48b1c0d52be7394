"""``zooscope quotas``: what a project may use, and what it uses."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from zooscope.cli.context import CliContext, command
from zooscope.cli.output import TableColumn
from zooscope.client.results import Quotas

_DAY_SECONDS = 24 * 3600


class _ShowByDefault(TyperGroup):
    """A group that runs ``show`` if no subcommand is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments, with the subcommand spelled out."""
        named = bool(args) and (args[0] in self.commands or args[0] == "--help")
        return super().parse_args(ctx, args if named else ["show", *args])


app = typer.Typer(
    cls=_ShowByDefault,
    help="Quotas of a project: show use and limits (default), set limits.",
)

COLUMNS = (
    TableColumn("quota", lambda item: item["quota"]),
    TableColumn("used", lambda item: f"{item['used']:,}", "right"),
    TableColumn("limit", lambda item: _limit(item.get("limit")), "right"),
    TableColumn("window", lambda item: _window(item.get("window_seconds"))),
)
Limit = Annotated[int | None, typer.Option(min=0, help="New limit.")]


def _limit(limit: int | None) -> str:
    return "none" if limit is None else f"{limit:,}"


def _window(seconds: int | None) -> str:
    if seconds is None:
        return "now"
    return "last 24 hours" if seconds == _DAY_SECONDS else f"last {seconds} s"


@command(app)
def show(
    context: CliContext,
    *,
    project: Annotated[
        str | None, typer.Option(help="Another project than your own; operators only.")
    ] = None,
) -> None:
    """Show what the project uses of each quota."""
    _print(context, context.zoo.quotas.show(project))


@command(app, "set")
def set_(
    context: CliContext,
    *,
    project: Annotated[str, typer.Argument(help="The project.")],
    bytes_: Annotated[int | None, typer.Option("--bytes", min=0, help="New limit.")] = None,
    models: Limit = None,
    datasets: Limit = None,
    images: Limit = None,
    queued_jobs: Limit = None,
    running_jobs: Limit = None,
    job_seconds: Annotated[
        int | None, typer.Option(min=0, help="New limit for the last 24 hours.")
    ] = None,
    reset: Annotated[
        list[str] | None,
        typer.Option(help="Quota that has the zoo's default again, such as models; repeatable."),
    ] = None,
) -> None:
    """Give a project limits of its own, as an operator; what you omit stays."""
    values = {
        "bytes": bytes_,
        "models": models,
        "datasets": datasets,
        "images": images,
        "queued_jobs": queued_jobs,
        "running_jobs": running_jobs,
        "job_seconds": job_seconds,
    }
    chosen = {quota: limit for quota, limit in values.items() if limit is not None}
    _print(context, context.zoo.quotas.set(project, reset=reset or (), **chosen))


def _print(context: CliContext, quotas: Quotas) -> None:
    context.out.rows(quotas["items"], COLUMNS, empty="no quotas")
