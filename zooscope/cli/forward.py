"""Commands that run a module with heavy imports in a separate process, so that this one starts fast."""

import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, NoReturn

import typer

FORWARDED: dict[str, Any] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}
"""Settings of a command that passes all its arguments on."""


def run_module(name: str, arguments: Sequence[str], *, needs: str, purpose: str) -> NoReturn:
    """Run a module and exit with its status; with 1 if the library that it ``needs`` is missing."""
    if find_spec(needs) is None:
        typer.echo(f"zooscope: {purpose} needs {needs} ({needs}_missing)", err=True)
        typer.echo("          pip install 'zooscope[worker]'", err=True)
        raise typer.Exit(1)
    command = [sys.executable, "-m", name, *arguments]
    raise typer.Exit(subprocess.run(command, check=False).returncode)
