"""``zooscope bench``: benchmarks that run with numpy in a separate process."""

import typer

from zooscope.cli.forward import FORWARDED, run_module

app = typer.Typer(no_args_is_help=True, help="Evaluate ranking methods on your own tables.")


@app.callback()
def _bench() -> None:
    """Evaluate ranking methods on your own tables."""


@app.command(context_settings=FORWARDED)
def ranking(context: typer.Context) -> None:
    """Hold out each target of accuracy tables and rank the models from the rest."""
    run_module(
        "workers.tools.ranking_bench",
        context.args,
        needs="scipy",
        extra="worker",
        purpose="evaluating rankings",
    )
