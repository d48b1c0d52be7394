"""The command ``zooscope``. A subcommand's module is imported when the command is used."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

_COMMANDS: Mapping[str, str] = {
    "up": "service.cli.up:up",
    "down": "service.cli.down:down",
    "demo": "service.cli.demo:demo",
    "doctor": "service.cli.doctor:doctor",
    "pack": "service.cli.pack:app",
    "bench": "service.cli.bench:app",
    "models": "service.cli.models:app",
    "datasets": "service.cli.datasets:app",
    "rank": "service.cli.rankings:rank_app",
    "rankings": "service.cli.rankings:app",
    "layers": "service.cli.layers:app",
    "records": "service.cli.records:app",
    "attributions": "service.cli.attributions:app",
    "map": "service.cli.maps:map_app",
    "maps": "service.cli.maps:app",
    "predict": "service.cli.predict:app",
    "jobs": "service.cli.jobs:app",
    "methods": "service.cli.methods:app",
    "keys": "service.cli.keys:app",
}


class LazyGroup(TyperGroup):
    """A group that knows its commands by name only, so that `models ls` starts no database."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names, in the order in which they are told."""
        return [name for name in _COMMANDS if self.get_command(ctx, name) is not None]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported now; None for an unknown name."""
        del ctx
        where = _COMMANDS.get(cmd_name)
        return None if where is None else _imported(where, name=cmd_name)


def _imported(where: str, *, name: str) -> Any:
    """The command at ``module:attribute``, which holds a typer app or a function."""
    module, _, attribute = where.partition(":")
    found = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        function, found = found, typer.Typer()
        found.command(name)(function)
    found._add_completion = False  # completion belongs to the root command
    command = get_command(found)
    command.name = name
    return command


app = typer.Typer(
    name="zooscope",
    cls=LazyGroup,
    help="A model zoo that tells which network to start from.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """A model zoo that tells which network to start from."""


def main() -> None:
    """Run the command line; exit status 0 is success, 1 a refusal or failure, 2 wrong usage."""
    app()


if __name__ == "__main__":
    main()
