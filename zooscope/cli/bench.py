"""``zooscope bench``: benchmarks that run with numpy in a separate process."""

import subprocess
import sys
from importlib.util import find_spec

import typer

app = typer.Typer(no_args_is_help=True, help="Evaluate ranking methods on your own tables.")


@app.callback()
def _bench() -> None:
    """Evaluate ranking methods on your own tables."""


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    }
)
def ranking(context: typer.Context) -> None:
    """Hold out each target of accuracy tables and rank the models from the rest."""
    if find_spec("scipy") is None:
        typer.echo("zooscope: evaluating rankings needs scipy (scipy_missing)", err=True)
        typer.echo("          pip install 'zooscope[worker]'", err=True)
        raise typer.Exit(1)
    command = [sys.executable, "-m", "workers.tools.ranking_bench", *context.args]
    raise typer.Exit(subprocess.run(command, check=False).returncode)
