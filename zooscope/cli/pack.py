"""``zooscope pack``: runs with torch in a separate process, so that this one starts fast."""

import subprocess
import sys
from importlib.util import find_spec

import typer

app = typer.Typer()


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    }
)
def pack(context: typer.Context) -> None:
    """Pack a Python module and its weights into a .pt2 file with a manifest for upload."""
    if find_spec("torch") is None:
        typer.echo("zooscope: packing needs torch (torch_missing)", err=True)
        typer.echo("          pip install 'zooscope[worker]'", err=True)
        raise typer.Exit(1)
    command = [sys.executable, "-m", "zooscope.packing", *context.args]
    raise typer.Exit(subprocess.run(command, check=False).returncode)
