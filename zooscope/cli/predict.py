"""``zooscope predict``: run images through a network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from zooscope.cli.context import CliContext, command
from zooscope.cli.output import TableColumn
from zooscope.client import Prediction, ZooClientError

app = typer.Typer()
_COLUMNS = (
    TableColumn("image", lambda row: row["image"]),
    TableColumn("class", lambda row: row["name"] or str(row["index"])),
    TableColumn("probability", lambda row: f"{row['probability']:.3f}", "right"),
)
Images = Annotated[
    list[Path], typer.Argument(exists=True, dir_okay=False, help="JPEG, PNG, WebP or BMP files.")
]


@command(app)
def predict(
    context: CliContext,
    *,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Id of the network, mdl_…")],
    images: Images,
    output: Annotated[
        str | None,
        typer.Option(help="Output: classes, image or features; default: what suits the network."),
    ] = None,
    layer: Annotated[str | None, typer.Option(help="Layer whose features are returned.")] = None,
    top_k: Annotated[
        int | None, typer.Option(min=1, help="Number of classes for each image; default: 5.")
    ] = None,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", file_okay=False, help="Output folder for images and arrays."),
    ] = Path(),
) -> None:
    """Run images through a network: print likely classes, or write images and features to files."""
    prediction = context.zoo.models.predict(model, images, output=output, layer=layer, top_k=top_k)
    if prediction.classes is not None:
        rows = [
            {"image": images[answer["image"]].name, **chance}
            for answer in prediction.classes
            for chance in answer["classes"]
        ]
        context.out.rows(rows, _COLUMNS, empty="the network returned no classes")
        return
    files = _write_files(prediction, images, out)
    paths = [str(path) for path in files]
    context.out.done({"id": model, "paths": paths}, f"written: {', '.join(paths)}")


def _write_files(prediction: Prediction, images: Sequence[Path], out: Path) -> list[Path]:
    """Write one image per input image, or one array of features; return the paths.

    Raises:
        ZooClientError: ``duplicate_name``: two outputs would have the same file name.
    """
    out.mkdir(parents=True, exist_ok=True)
    if prediction.npy is not None:
        path = out / "features.npy"
        path.write_bytes(prediction.npy)
        return [path]
    paths = [out / f"{image.stem}.prediction.png" for image in images]
    if len(set(paths)) < len(paths):
        raise ZooClientError(
            "two images have the same name",
            code="duplicate_name",
            remedy="rename one, or run them separately",
        )
    for path, picture in zip(paths, prediction.pictures or [], strict=True):
        path.write_bytes(picture)
    return paths
