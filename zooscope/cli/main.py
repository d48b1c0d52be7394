"""The command ``zooscope``. A subcommand's module is imported on use."""

from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

_COMMANDS: Mapping[str, str] = {
    "up": "zooscope.cli.up:up",
    "down": "zooscope.cli.down:down",
    "demo": "zooscope.cli.demo:demo",
    "backup": "zooscope.cli.backup:backup",
    "restore": "zooscope.cli.backup:restore",
    "doctor": "zooscope.cli.doctor:doctor",
    "verify": "zooscope.cli.verify:verify",
    "pack": "zooscope.cli.pack:app",
    "import": "zooscope.cli.import_models:app",
    "bench": "zooscope.cli.bench:app",
    "models": "zooscope.cli.models:app",
    "datasets": "zooscope.cli.datasets:app",
    "rank": "zooscope.cli.rankings:rank_app",
    "rankings": "zooscope.cli.rankings:app",
    "layers": "zooscope.cli.layers:app",
    "layer-selections": "zooscope.cli.layers:selections_app",
    "concepts": "zooscope.cli.concepts:app",
    "accuracies": "zooscope.cli.accuracies:app",
    "attributions": "zooscope.cli.attributions:app",
    "map": "zooscope.cli.maps:map_app",
    "maps": "zooscope.cli.maps:app",
    "predict": "zooscope.cli.predict:app",
    "jobs": "zooscope.cli.jobs:app",
    "methods": "zooscope.cli.methods:app",
    "keys": "zooscope.cli.keys:app",
    "sign-in": "zooscope.cli.sign_in:app",
    "whoami": "zooscope.cli.sign_in:whoami_app",
    "quotas": "zooscope.cli.quotas:app",
    "audit": "zooscope.cli.audit:app",
}


class LazyGroup(TyperGroup):
    """A group that imports its commands on use, so that `models ls` does not load the server."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in help order."""
        return [name for name in _COMMANDS if self.get_command(ctx, name) is not None]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported now; None for an unknown name."""
        del ctx
        target = _COMMANDS.get(cmd_name)
        return None if target is None else _imported(target, name=cmd_name)


def _imported(target: str, *, name: str) -> Any:
    """The command at ``module:attribute``, which holds a typer app or a function."""
    module, _, attribute = target.partition(":")
    app = getattr(import_module(module), attribute)
    if not isinstance(app, typer.Typer):
        function, app = app, typer.Typer()
        app.command(name)(function)
    app._add_completion = False  # completion belongs to the root command
    command = get_command(app)
    command.name = name
    return command


app = typer.Typer(
    name="zooscope",
    cls=LazyGroup,
    help="Model zoo that ranks pretrained networks for your task.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(is_wanted: bool) -> None:
    """Print the version and exit, if it is wanted."""
    if is_wanted:
        from zooscope import __version__

        typer.echo(f"zooscope {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Model zoo that ranks pretrained networks for your task."""
    del version


def main() -> None:
    """Run the command line; exit status 0 means success, 1 an error, 2 wrong usage."""
    app()


if __name__ == "__main__":
    main()
