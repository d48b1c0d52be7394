"""``zooscope pack``: runs with torch in a separate process, so that this one starts fast."""

import typer

from zooscope.cli.forward import FORWARDED, run_module

app = typer.Typer()


@app.command(context_settings=FORWARDED)
def pack(context: typer.Context) -> None:
    """Pack a Python module and its weights into a .pt2 file with a manifest for upload."""
    run_module("zooscope.packing", context.args, needs="torch", extra="pack", purpose="packing")
