"""Commands that run a module with heavy imports in a separate process, so that this one starts fast."""

import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, NoReturn

import typer

from service.core.python_command import module_command

FORWARDED: dict[str, Any] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}
"""Settings of a command that passes all its arguments on."""


def run_module(
    name: str, arguments: Sequence[str], *, needs: str, extra: str, purpose: str
) -> NoReturn:
    """Run a module and exit with its status; with 1 if the library that it ``needs`` is missing."""
    if find_spec(needs) is None:
        typer.echo(f"zooscope: {purpose} needs {needs} ({needs}_missing)", err=True)
        typer.echo(f"          pip install 'zooscope[{extra}]'", err=True)
        raise typer.Exit(1)
    command = module_command(name, *arguments)
    raise typer.Exit(subprocess.run(command, check=False).returncode)
