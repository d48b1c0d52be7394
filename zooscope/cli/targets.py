"""The target of a ranking or a layer selection, as two options of a command."""

import typer


def require_one_target(model: str | None, dataset: str | None) -> None:
    """Return when exactly one target is named; raise typer.BadParameter otherwise."""
    if (model is None) == (dataset is None):
        raise typer.BadParameter(
            "pass one target: a network with --model mdl_…, or a dataset with --dataset dst_…",
            param_hint="--model or --dataset",
        )
