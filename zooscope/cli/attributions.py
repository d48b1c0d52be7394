"""``zooscope attributions``: heat maps of several networks on several images."""

from pathlib import Path
from typing import Annotated

import typer

from zooscope.cli.context import CliContext, command
from zooscope.cli.option_names import Fills

app = typer.Typer()


@command(app)
def attributions(
    context: CliContext,
    *,
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL…", help="Ids or names of the networks."),
        Fills("model_ids"),
    ],
    dataset: Annotated[
        str,
        typer.Option(help="Id or name of the dataset that holds the images."),
        Fills("dataset_id"),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            dir_okay=False,
            help="Output file: a .png sheet, or a .zip of all heat maps.",
        ),
    ],
    images: Annotated[
        str, typer.Option(help="Image positions from 0, such as 0-9 or 0,4,7-8."), Fills("indices")
    ] = "0",
    method: Annotated[
        str | None, typer.Option(help="Attribution method, such as gxi, saliency, elrp.")
    ] = None,
    layer: Annotated[str | None, typer.Option(help="Layer; default: the feature layer.")] = None,
    style: Annotated[str | None, typer.Option(help="Style: overlay, signed or absolute.")] = None,
) -> None:
    """Compute heat maps of networks on images: one sheet, or one file each."""
    job = context.zoo.attributions.create(
        models,
        dataset_id=dataset,
        indices=positions_in(images),
        method=method,
        layer=layer,
        style=style,
    )
    context.zoo.attributions.download(job, out)
    context.out.done({"job_id": job["id"], "path": str(out)}, f"heat maps written to {out}")


def positions_in(text: str) -> list[int]:
    """The positions that a list of numbers and ranges names, both ends of a range included.

    Raises:
        typer.BadParameter: The text is not such a list.
    """
    positions: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise typer.BadParameter(
                f"{part!r} is neither a position nor a range such as 0-9", param_hint="--images"
            )
        positions += range(int(first), int(last or first) + 1)
    return positions
